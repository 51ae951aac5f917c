package filter

// user is USER name host server :realname, with the host and server that every client of such a filter sends.
func (s *Session) user(m Message) Verdict {
	name, real := "user", "realname"
	if len(m.Params) >= 4 {
		name, real = m.Params[0], m.Params[3]
	}
	if s.cfg.User != "" {
		name = s.cfg.User
	}
	if s.cfg.RealName != "" {
		real = s.cfg.RealName
	}
	s.cfg.Count(Outbound, User)
	return pass(m.with(name, "hostname", "localhost", real))
}

// leaving is PART channels and QUIT. Clients put their name and version into the reason.
func (s *Session) leaving(m Message) Verdict {
	const reason = "leaving"
	params := []string{reason}
	if m.Command == "PART" {
		if m.param(0) == "" {
			return s.drop(Outbound, Malformed)
		}
		params = []string{m.Params[0], reason}
		if m.Trailing && len(m.Params) == 1 && !middle(m.Params[0]) {
			return s.drop(Outbound, Malformed)
		}
	}
	if m.param(len(params)-1) != reason {
		s.cfg.Count(Outbound, Leaving)
	}
	return pass(m.with(params...))
}

// middle tells whether a parameter can stand without a colon.
func middle(p string) bool {
	if p == "" || p[0] == ':' {
		return false
	}
	for i := range len(p) {
		if p[i] == ' ' {
			return false
		}
	}
	return true
}
