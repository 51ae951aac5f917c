// Package ntcp2 is the NTCP2 transport: Noise XK over TCP (layer 5, under router/transport).
//
// A handshake is a state machine without socket or clock (initiator.go, responder.go; one message per file:
// session_request.go, session_created.go, session_confirmed.go). handshake_io.go drives it over a net.Conn.
// With peers that offer it the handshake is a hybrid one, with ML-KEM beside X25519 (hybrid.go): which one is settled by what
// the responder publishes, and a dial never falls back from it; a peer that stops taking it says so in its next RouterInfo.
// Afterwards a session moves frames (frame.go) of blocks (block.go):
//
//	reader:  conn -> open frame in place -> I2NP blocks copied into buffers -> Registry.Messages, one batch
//	writer:  send ring -> blocks of up to 16 KiB per frame -> sealed in place -> one Write of up to 64 KiB
//
// Two goroutines per session, reader and writer, both within Transport.Serve. The writer is woken when the ring
// stops being empty and takes whatever is there; there is no flush timer.
package ntcp2
