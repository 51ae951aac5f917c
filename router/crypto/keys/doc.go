// Package keys is the registry of I2P signature and encryption types and the keys that belong to them.
//
// Signature types: types.go has the lengths, verify.go one verifier per type, signing.go the private side. X25519 keys,
// which every router and destination has for encryption, are in x25519.go. Types are numbers from the
// wire, so each function takes any value and answers false, zero or ErrUnsupported for one that it does not know.
//
// Values are immutable after construction and safe for concurrent use. Private keys do not print.
package keys
