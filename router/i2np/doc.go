// Package i2np is the I2NP wire format: headers and message bodies, bytes only (layer 3).
//
// A message in flight, everywhere in the router, is the 9-byte short header (type, message id, expiration in
// seconds: the form of NTCP2 and SSU2) and the payload. The 16-byte standard header appears only inside
// TunnelGateway and inside tunnel messages.
//
// Read first: header.go, then message.go for the Body interface; each message type has a file of its own with its
// layout drawn. A Parse function lends: byte slices in its result alias the input, except where its comment says
// otherwise. Types that this package does not know are legal: forwarders never look past the header.
//
// There are no goroutines. Filter is the only type with state; it is safe for concurrent use.
package i2np
