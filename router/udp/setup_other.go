//go:build !linux

package udp

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
