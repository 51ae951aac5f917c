package gate

import (
	"context"
	"net"
	"regexp"
	"sync"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

var isService = regexp.MustCompile(`^[a-z0-9-]{1,64}$`).MatchString

// DialService opens a stream to a service that a tunnel provides. It returns once the plugin has taken it. Errors wrap
// api.ErrUnknownHost (no such tunnel), api.ErrNotReady (no such service, or nobody took the stream in 15 s), api.ErrLimit. The
// connection has CloseWrite. No bytes are copied on the way: it is the plugin's data connection.
func (g *Gate) DialService(ctx context.Context, tunnel, service, isolation string) (net.Conn, error) {
	t, err := g.tunnel(tunnel)
	if err != nil {
		return nil, err
	}
	l := t.service(service)
	if l == nil {
		return nil, refuse(api.ErrNotReady, "tunnel %s offers no service %s: its plugin has not started, or the tunnel is of another type; see clove tunnel list", tunnel, service)
	}
	link, err := t.reserve(kindService, service, true)
	if err != nil {
		return nil, err
	}
	over := make(chan struct{})
	link.after(func() { close(over) })
	taken := make(chan *serviceConn)
	take := func(data *net.UnixConn) {
		if !link.own(data) {
			return
		}
		select {
		case taken <- &serviceConn{UnixConn: data, link: link}:
		case <-over:
		}
	}
	room, cancel := context.WithTimeout(ctx, queueTime)
	defer cancel()
	l.putPatiently(&offer{link: link, accepted: &pb.Accepted{Isolation: isolation}, take: take, back: l}, room.Done())
	select {
	case conn := <-taken:
		return conn, nil
	case <-over:
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, refuse(api.ErrNotReady, "the plugin of tunnel %s did not take the stream: see clove plugin list", tunnel)
	case <-ctx.Done():
		link.end()
		return nil, context.Cause(ctx)
	}
}

func (t *tunnel) service(name string) *listener {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.listeners {
		if l.kind == kindService && l.wanted == name {
			return l
		}
	}
	return nil
}

// serviceConn is the host's side of a service's stream.
type serviceConn struct {
	*net.UnixConn
	link *link
	once sync.Once
}

// Read reads what the plugin sent.
func (c *serviceConn) Read(p []byte) (int, error) {
	n, err := c.UnixConn.Read(p)
	c.link.sent.Add(uint64(max(n, 0)))
	return n, err
}

// Write sends to the plugin.
func (c *serviceConn) Write(p []byte) (int, error) {
	n, err := c.UnixConn.Write(p)
	c.link.received.Add(uint64(max(n, 0)))
	return n, err
}

// Close ends the stream.
func (c *serviceConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		c.link.end()
		err = nil
	})
	return err
}
