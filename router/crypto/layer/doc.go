// Package layer is the cipher of one hop of a tunnel: AES-256, the initialisation vector encrypted before and after the
// data in CBC (specification "Tunnel Message", "Tunnel Implementation"). A router in the middle runs Encrypt on each
// message that passes; the creator runs Decrypt for each hop, before sending through an outbound tunnel and
// after receiving from an inbound one.
//
// layer.go is the API. fast_amd64.go has the work in AES instructions: eight blocks at once to decrypt, and four messages
// at once to encrypt (EncryptBatch), since CBC lets a message encrypt only one block after the other. std.go is the
// portable path with the standard library, for other processors and for the build tag purego.
//
// A Cipher belongs to one tunnel and one goroutine at a time; nothing is allocated per message.
package layer
