package http

import (
	"context"
	"fmt"
	"net"
	nethttp "net/http"
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
	credentials, refusal := s.authorize(r)
	if refusal != nil {
		refuse(proxies.ReasonUnauthorized, refusal)
		return
	}
	user := s.identify(credentials)
	f := failed{host: r.URL.Hostname(), method: r.Method}
	var host string
	if host, f.port, f.err = connectTarget(r); f.err == nil {
		f.decision = s.decide(user, host, f.port, nethttp.MethodConnect)
		f.err = f.decision.Err
	}
	if f.err != nil {
		refuse(proxies.Classify(f.err), f.page())
		return
	}
	client, err := out.takeOver()
	if err != nil {
		refuse(proxies.ReasonOther, internalPage())
		return
	}
	defer context.AfterFunc(r.Context(), func() { _ = client.Close() })()
	s.tunnel(r, client, s.target(f.decision, user), f)
}

func connectTarget(r *nethttp.Request) (string, int, error) {
	if r.URL.User != nil || r.URL.Path != "" || r.ContentLength != 0 {
		return "", 0, fmt.Errorf("http: CONNECT: %w", proxies.ErrBadHost)
	}
	return proxies.SplitHostPort(r.URL.Host, 0)
}

func (s *Server) tunnel(r *nethttp.Request, client *proxies.Client, t proxies.Target, f failed) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := client.Watch(cancel)
	stream, err := s.opener.Through(ctx, t)
	stop()
	_ = client.SetWriteDeadline(time.Now().Add(lastWords))
	if err != nil {
		s.fail(proxies.Classify(err))
		f.err = err
		resp := f.page().response(r)
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
	var end net.Conn = client
	if t.Via == "" { // of any port: a page can open a websocket to port 81 of its own server, to see who asks
		canonical, err := proxies.CanonicalHost(stream, t)
		if err == nil { // without one no request passes
			canonical = withPort(canonical, t.Port)
		}
		end = &plainClient{Client: client, authority: withPort(f.decision.Host, t.Port), canonical: canonical}
	}
	limits := relay.Limits{Idle: s.cfg.TunnelIdle, Linger: s.cfg.Linger}
	proxies.Relay(r.Context(), end, stream, limits, &s.counters)
}
