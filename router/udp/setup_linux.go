package udp

func (s *Socket) setup(network string, o Options) error {
	s.engine = newPlain(s)
	return nil
}
