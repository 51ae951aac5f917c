// Package wire is every byte of SSU2: headers and their protection, the handshake, packets outside of a session, data packets,
// blocks and the data that peer test and relay sign. It knows bytes and keys; time, sockets, loss and policy are its callers'
// (ssu2, ssu2/flow, ssu2/nat).
//
//	packet in -> DestID (one mask, packet unchanged) -> whose?
//	   a session:            Opener.Open                                   -> payload
//	   an inbound handshake: Responder.OpenConfirmed                       -> payload, Keys
//	   nobody's, by address an outbound handshake: Initiator.OpenCreated or OpenRetry
//	   nobody's:             OpenHeader -> SessionRequest (token first, then Responder.OpenRequest), or Intro.Open for the rest
//	payload -> ParseBlocks -> Next -> Parse of the block
//
// No goroutine, no lock, no clock. Handshake states, Sealer and Opener belong to one goroutine at a time; HeaderKey and Intro are
// safe for many. A packet that is not what a state waits for leaves the state as it was: the next one may be tried. What was sent
// is never changed on a resend (the hash chain covers it), so callers keep the packets that Request, Created and Confirmed
// return.
//
// Read header.go, protect.go, initiator.go, responder.go, then blocks.go. Specification: SSU2; hybrid variants: proposal 169.
// Where i2pd or emissary differ from those, the comments say so, and what works with them is done.
package wire
