//go:build !linux

package udp

import "cmp"

// setup makes a socket that moves one packet with each call.
func (s *Socket) setup(network string, o Options) error {
	if o.Mode == Batched || o.Mode == Offload {
		return ErrMode
	}
	s.tuneBuffers(o)
	s.tuning.dontFragment = dontFragment(s.conn, network)
	s.engine = newPlain(s)
	return nil
}

// tuneBuffers asks for the buffers through package net, where nothing says what was granted.
func (s *Socket) tuneBuffers(o Options) {
	_ = s.conn.SetReadBuffer(cmp.Or(o.ReadBuffer, bufferSize))
	_ = s.conn.SetWriteBuffer(cmp.Or(o.WriteBuffer, bufferSize))
}
