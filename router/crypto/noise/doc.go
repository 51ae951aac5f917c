// Package noise is the symmetric state of the Noise Protocol Framework (revision 34, section 5.2) with X25519,
// ChaCha20-Poly1305 and SHA-256, as all of I2P uses it: NTCP2 and SSU2 (XK), the ratchet (IK), tunnel build records and
// router garlic (N), and their ML-KEM variants. The Diffie-Hellman steps stay with the protocol: it calls MixHash for
// a public key and MixKey for a shared secret, in the order of its pattern.
//
//	New(name) -> MixHash(prologue) -> MixHash(s) ... MixKey(dh) -> EncryptAndHash ... -> Split
//
// Beside it are the primitives of the same protocols: HKDF (hkdf.go), the AEAD with a 64-bit nonce (aead.go) and the
// bare ChaCha20 that starts at block 1 (chacha20.go). No goroutine, no lock, no clock; a Symmetric is a plain value: a
// copy is a snapshot, and assigning Symmetric{} wipes it.
package noise
