package filter

import "slices"

// Clients put the time, their host or the name that they know the server by into a PING: the server gets a fixed token
// instead, and its answer is turned back. Their answers to a PING carry the token that the server sent and nothing else.
const pingToken = "localhost"

// ping is PING token [server] of the client. Servers answer in turn, so that the n-th PONG belongs to the n-th PING.
func (s *Session) ping(m Message) Verdict {
	if len(m.Params) == 0 {
		return pass(m)
	}
	s.mu.Lock()
	s.asked = remember(s.asked, m)
	s.mu.Unlock()
	if len(m.Params) != 1 || m.Params[0] != pingToken {
		s.cfg.Count(Outbound, Ping)
	}
	m.Params, m.Trailing = []string{pingToken}, false
	return pass(m)
}

// ponged is the server's [:server] PONG server :token.
func (s *Session) ponged(m Message) Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) == 0 {
		return pass(m)
	}
	asked := s.asked[0]
	s.asked = s.asked[1:]
	server := m.param(0)
	if len(asked.Params) > 1 {
		server = asked.Params[1]
	}
	if !middle(server) {
		server = s.cfg.Name
	}
	return pass(m.with(server, asked.Params[0]))
}

// pinged is the server's PING :token.
func (s *Session) pinged(m Message) Verdict {
	token := m.param(0)
	if token == "" {
		return s.drop(Inbound, Malformed)
	}
	s.mu.Lock()
	s.asking = remember(s.asking, token)
	s.mu.Unlock()
	return pass(m.with(token))
}

// pong is the client's answer. Some put their own host before the token.
func (s *Session) pong(m Message) Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.asking, func(token string) bool { return slices.Contains(m.Params, token) })
	if i < 0 {
		return s.drop(Outbound, Ping)
	}
	if len(m.Params) > 1 {
		s.cfg.Count(Outbound, Ping)
	}
	token := s.asking[i]
	s.asking = slices.Delete(s.asking, 0, i+1)
	return pass(m.with(token))
}

func remember[T any](list []T, v T) []T {
	if len(list) == maxPending {
		list = slices.Delete(list, 0, 1)
	}
	return append(list, v)
}
