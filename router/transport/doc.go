// Package transport carries I2NP messages between this router and its peers (layer 4).
//
// A message in flight is a *buf.Buf: the short I2NP header (9 bytes) and the payload. Outbound, Mux.Send hands
// it to the session with the peer, or dials the peer first. Inbound, a session's reader gives Handler a batch at
// a time. Nothing here looks inside a message.
//
//	Mux.Send -> session table -> Session.Send          (never blocks)
//	         -> queue of the dial -> Transport.Dial -> Session.Send
//	Session reader -> Registry.Messages -> Handler.Messages
//
// The transports themselves are router/transport/ntcp2 and router/transport/ssu2: each implements Transport,
// and reports its sessions to a Registry, which is the Mux. Mux.Serve owns all goroutines of this package; a
// transport's Serve owns those of its sessions. Read contract.go first, then mux.go.
package transport
