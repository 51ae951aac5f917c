// Package build makes and reads the records that ask routers to join a tunnel, and their replies (specification
// "ECIES-X25519 Tunnel Creation"). Bytes in, bytes out: it sends nothing, keeps no goroutine and reads no clock.
//
// One message passes all hops. It has a record for each, in random order, and records that nobody opens. Each hop
// finds its record by the first half of its hash, opens it, writes its verdict into the same place and encrypts
// all other records; the creator has decrypted them so many times before that each hop meets its record bare.
//
//	creator: New(Plan) -> Pending.Message ... Pending.Reply -> verdicts, Layers
//	hop:     OpenShort or OpenLong -> Request -> decide -> Request.Reply -> send on as Request.ReplyType
//
// Two forms: short records (218 bytes, keys derived, ChaCha20 for the other records; all routers since 0.9.51), and long ones
// (528 bytes, keys within, AES-CBC), for older hops. Read creator.go and hop.go first; form.go holds what differs.
package build
