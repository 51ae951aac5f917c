// Package elligator2 makes X25519 public keys look like random bytes, so that the first message of an ECIES session shows no
// structure (specification "ECIES-X25519-AEAD-Ratchet", section Elligator2). About half of all public keys have a
// representative; GenerateKey tries until it has one.
//
// Curve25519 with the non-square 2. The representative is below 2^254; its two high bits are random on the wire
// and ignored by Decode. As in every other I2P router the keys are ordinary ones, in the prime-order subgroup. No step
// depends on secret data in its timing, other than how often GenerateKey tries.
package elligator2
