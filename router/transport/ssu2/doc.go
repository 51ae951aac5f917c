// Package ssu2 is the SSU2 transport: Noise XK over UDP (layer 5, under router/transport).
//
// The bytes are in ssu2/wire, the reliability of one session in ssu2/flow, peer tests and relays in ssu2/nat; none of
// them knows sockets or goroutines. This package joins them:
//
//	reader:  socket -> connection id -> table -> session: opened in place -> flow -> messages -> Registry.Messages
//	                                 -> no entry: TokenRequest, SessionRequest, PeerTest, HolePunch under our intro key
//	                                 -> no such type: SessionCreated or Retry of a dial to that address
//	writer:  dirty sessions in turn -> trains of equal packets, sealed in place -> one Write for all of them
//	workers: the key agreements and signatures of inbound handshakes, taken in turn from each source
//
// Each socket has one reader and one writer, and the writer has the timer wheel of its sessions; a few workers serve
// all. A session has no goroutine: Send marks it as dirty for the writer. An outbound handshake runs on the
// goroutine that called Dial. Two more serve all sessions: one works for ssu2/nat, and one looks after all sessions every few seconds.
//
// Read server.go first, then reader.go, writer.go and session.go.
package ssu2
