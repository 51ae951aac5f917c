package streaming

import "context"

// reachRequest asks for the LeaseSet of the peer of a connection.
type reachRequest struct {
	conn  *Conn
	fresh bool
}

// reach queues a request; if too many wait, it is dropped and a later timeout asks again.
func (s *Stack) reach(c *Conn, fresh bool) {
	select {
	case s.reaches <- reachRequest{c, fresh}:
		s.stats.reaches.Add(1)
	default:
	}
}

// reachLoop serves the requests. A look-up that fails is left to the timers of the connection.
func (s *Stack) reachLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-s.reaches:
			one, cancel := context.WithTimeout(ctx, reachTimeout)
			err := s.carrier.Reach(one, r.conn.hash, r.fresh)
			cancel()
			if err == nil {
				r.conn.reachable()
			}
		}
	}
}
