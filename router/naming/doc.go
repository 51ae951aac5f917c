// Package naming turns the host part of an address into an I2P destination (layer 3).
//
//	host -> Normalize -> whole destination in Base64: parsed
//	                     <52 characters>.b32.i2p:     a hash; its LeaseSet, looked up, holds the destination
//	                     <56 and more>.b32.i2p:       blinded, not supported yet: ErrBlinded
//	                     name.i2p:                    asked of the Book
//
// Nothing here asks the system's DNS: a name that is in no book is ErrUnknownHost.
//
// Specification: Naming and Address Book.
package naming
