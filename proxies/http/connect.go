package http

import (
	"context"
	"fmt"
	nethttp "net/http"
	"strconv"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/proxies/relay"
)

// connect serves CONNECT. What can be refused at once is; then the connection is taken over, so that a client that
// hangs up is noticed and what it sends early is kept.
func (s *Server) connect(out *responseWriter, r *nethttp.Request) {
	s.counters.Request()
	defer out.finish()
	refuse := func(reason proxies.Reason, p *page) {
		s.fail(reason)
		out.Header().Set("Connection", "close") // what follows is not HTTP
		p.write(out, r)
	}
	iso, ok := s.authorize(r.Header)
	if !ok {
		refuse(proxies.ReasonUnauthorized, authenticatePage())
		return
	}
	host, port, err := connectTarget(r)
	if err != nil {
		refuse(proxies.Classify(err), failurePage(err, r.URL.Hostname(), r.Method))
		return
	}
	client, err := out.takeOver()
	if err != nil {
		refuse(proxies.ReasonOther, internalPage())
		return
	}
	defer context.AfterFunc(r.Context(), func() { _ = client.Close() })()
	s.tunnel(r, client, proxies.Target{Host: host, Port: port, Isolation: iso})
}

func connectTarget(r *nethttp.Request) (string, int, error) {
	if r.URL.User != nil || r.URL.Path != "" || r.ContentLength != 0 {
		return "", 0, fmt.Errorf("http: CONNECT: %w", proxies.ErrBadHost)
	}
	name, port, err := proxies.SplitHostPort(r.URL.Host, 0)
	if err != nil {
		return "", 0, err
	}
	host, err := proxies.ParseHost(name)
	if err == nil && host == proxies.SelfHost {
		err = proxies.ErrRefused
	}
	return host, port, err
}

func (s *Server) tunnel(r *nethttp.Request, client *proxies.Client, t proxies.Target) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := client.Watch(cancel)
	stream, err := s.opener.Open(ctx, t)
	stop()
	_ = client.SetWriteDeadline(time.Now().Add(lastWords))
	if err != nil {
		s.fail(proxies.Classify(err))
		resp := failurePage(err, t.Host, r.Method).response(r)
		resp.Close = true
		if resp.Write(client) == nil {
			relay.Drain(client)
		}
		return
	}
	defer stream.Close()
	if _, err := client.Write([]byte("HTTP/1.1 200 Connection Established\r\n\r\n")); err != nil {
		return
	}
	_ = client.SetWriteDeadline(time.Time{})
	limits := relay.Limits{Idle: s.cfg.TunnelIdle, Linger: s.cfg.Linger}
	proxies.Relay(r.Context(), client, stream, limits, &s.counters)
}

// withPort leaves out HTTP's own port, as browsers do.
func withPort(host string, port int) string {
	if port == 80 {
		return host
	}
	return host + ":" + strconv.Itoa(port)
}
