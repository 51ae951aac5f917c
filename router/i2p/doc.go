// Package i2p holds the Common Structures of the I2P specification: the nouns that every other package speaks
// (layer 2). Bytes only: no clock, no socket, no goroutine, no logger.
//
// A structure that was parsed or made is immutable and safe for concurrent use. It keeps the exact bytes that it was
// parsed from, so its hash and its signature stay what their author made them: Bytes returns that shared slice and
// nobody may write to it. The Parse functions copy what they keep, so their argument may be a lent buffer; they return
// what follows the structure as rest. Parsing checks form; Verify checks the signature, which costs a hundred times
// as much and which the caller does when it has decided that the structure is of use.
//
//	Certificate, KeyCertificate     which key types, and what did not fit into 384 bytes
//	RouterIdentity, Destination     two public keys and a certificate; their Hash is their name
//	Mapping                         sorted key=value pairs, used by most of what follows
//	RouterAddress, RouterInfo       what a router publishes
//	Lease, LeaseSet1, LeaseSet2     what a destination publishes; LeaseSet is their common face
//	RouterKeys, DestinationKeys     the private halves, and the files that hold them
//
// Errors wrap ErrTruncated, ErrMalformed, ErrTooLarge or ErrUnsupportedKey where a structure does not parse, and
// ErrBadSignature from the Verify methods.
//
// Specification: Common Structures. The API of this package is kept stable.
package i2p
