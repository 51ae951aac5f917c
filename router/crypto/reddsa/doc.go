// Package reddsa is Red25519 (I2P signature type 11): Ed25519 signatures whose private key is a scalar, so that a key
// can be blinded. Encrypted LeaseSets are signed with a key that is blinded anew each day; nobody can
// link two of them, or either to its Destination, without knowing the Destination.
//
// The wire form is the one that the network uses (specification "Encrypted LeaseSet", section "Sign/Verify
// Calculations"): a signature is verified exactly as an Ed25519 signature. The personalised hash of the
// older document "Red25519" is not used by any router.
//
// Bytes in, bytes out; nothing is kept.
package reddsa
