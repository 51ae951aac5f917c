package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/httpguard"
	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
	"clove.i2p/proxies/relay"
)

// site is what both tunnel types share: who comes in, and what goes out. The order of the checks is that of ServeHTTP.
type site struct {
	t        *sdk.Tunnel
	book     *visitors.Book
	posts    *visitors.Throttle
	now      atomic.Pointer[version]
	pipes    sync.WaitGroup
	ctx      context.Context // of Run
	requests *sdk.Counter
	refused  map[int]*sdk.Counter // by status
	sent     atomic.Uint64        // of pipes
	received atomic.Uint64
}

// version is what a reload replaces.
type version struct {
	policy  policy
	handler http.Handler
	// raw tells where the bytes of a port go as they are; nil: nowhere.
	raw func(port int) (target, bool)
	// dial opens a connection for raw.
	dial func(ctx context.Context, to target, from visitors.Peer) (net.Conn, error)
}

func newSite(ctx context.Context, t *sdk.Tunnel, v *version) *site {
	s := &site{
		t: t, ctx: ctx, book: visitors.NewBook(v.policy.limits), posts: visitors.NewThrottle(v.policy.posts),
		requests: t.Counter("requests", "requests that were let in"),
		refused: map[int]*sdk.Counter{
			http.StatusBadRequest:                  t.Counter("refused_malformed", "requests that are no proper HTTP"),
			http.StatusForbidden:                   t.Counter("refused_forbidden", "requests of destinations that may not come, through inproxies, from other sites, of unwanted browsers"),
			http.StatusMethodNotAllowed:            t.Counter("refused_method", "CONNECT, or a folder asked to change"),
			http.StatusRequestTimeout:              t.Counter("refused_slow", "requests that did not arrive in time"),
			http.StatusRequestURITooLong:           t.Counter("refused_address", "requests with an address that is too long"),
			http.StatusTooManyRequests:             t.Counter("refused_rate", "requests and connections over the limits of one visitor"),
			http.StatusRequestHeaderFieldsTooLarge: t.Counter("refused_header", "requests with a header that is too large"),
			http.StatusServiceUnavailable:          t.Counter("refused_busy", "requests and connections over the limits of all, and of ports without a target"),
		},
	}
	s.now.Store(v)
	return s
}

// use replaces the version: for what comes from now on.
func (s *site) use(v *version) {
	s.book.SetLimits(v.policy.limits)
	s.posts.SetLimits(v.policy.posts)
	s.now.Store(v)
}

// serve runs until the tunnel drains or ctx ends.
func (s *site) serve() error {
	l, err := s.t.Listen(0)
	if err != nil {
		return err
	}
	server := httpguard.New(httpguard.Config{
		Limits: httpguard.Strangers(), Handler: s, Admit: s.admit, Divert: s.divert,
		Refused: func(w http.ResponseWriter, _ *http.Request, r httpguard.Refusal) { s.refuse(w, r.Status, r.Why) },
	})
	s.t.Started()
	err = server.Serve(s.ctx, l)
	s.pipes.Wait()
	return err
}

// peerOf is who is at the other end of a stream.
func peerOf(c net.Conn) visitors.Peer {
	a, _ := sdk.PeerOf(c)
	p, _ := visitors.ParsePeer(a.Base32)
	return p
}

func (s *site) refuse(w http.ResponseWriter, status int, why string) {
	counter := s.refused[status]
	if counter == nil {
		counter = s.refused[http.StatusBadRequest]
	}
	counter.Add(1)
	page(w, status, why)
}

// enter is the check of a connection.
func (s *site) enter(c net.Conn) (leave func(), refusal *httpguard.Refusal) {
	peer := peerOf(c)
	if !s.now.Load().policy.lists.Allows(peer) {
		return nil, &httpguard.Refusal{Status: http.StatusForbidden, Why: "Your destination may not visit this site."}
	}
	leave, verdict := s.book.Open(peer)
	switch verdict {
	case visitors.PeerOpen:
		return nil, &httpguard.Refusal{Status: http.StatusTooManyRequests, Why: "You have too many connections to this site."}
	case visitors.TotalOpen:
		return nil, &httpguard.Refusal{Status: http.StatusServiceUnavailable, Why: "This site has too many visitors right now."}
	}
	return leave, nil
}

func (s *site) admit(c net.Conn) (leave func(), refusal *httpguard.Refusal) {
	v := s.now.Load()
	if v.raw != nil && sdk.LocalPort(c) == 443 {
		if _, mapped := v.raw(443); !mapped && !v.hasPort(443) {
			return nil, &httpguard.Refusal{Status: http.StatusServiceUnavailable, Why: "This site is not set up for TLS."}
		}
	}
	return s.enter(c)
}

// hasPort tells whether a port has a web server of its own.
func (v *version) hasPort(port int) bool {
	p, ok := v.handler.(interface{ hasPort(int) bool })
	return ok && p.hasPort(port)
}

// divert passes on the bytes of ports that are not HTTP to us.
func (s *site) divert(c net.Conn) bool {
	v := s.now.Load()
	if v.raw == nil {
		return false
	}
	to, ok := v.raw(sdk.LocalPort(c))
	if !ok {
		return false
	}
	leave, refusal := s.enter(c)
	if refusal != nil {
		s.refused[refusal.Status].Add(1)
		_ = c.Close()
		return true
	}
	s.pipes.Go(func() {
		defer leave()
		ctx, cancel := context.WithTimeout(s.ctx, dialTimeout)
		defer cancel()
		local, err := v.dial(ctx, to, peerOf(c))
		if err != nil {
			_ = c.Close()
			return
		}
		relay.Join(s.ctx, c, local, relay.Limits{Idle: pipeIdle, Linger: pipeLinger}, &s.received, &s.sent)
	})
	return true
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := s.now.Load()
	peer := peerOf(httpguard.ConnOf(r))
	wait, verdict := s.book.Request(time.Now(), peer)
	switch {
	case !v.policy.lists.Allows(peer): // it may have changed since the connection came
		s.refuse(w, http.StatusForbidden, "Your destination may not visit this site.")
		return
	case verdict == visitors.PeerRate:
		retryAfter(w, wait)
		s.refuse(w, http.StatusTooManyRequests, "You ask too often. Wait a little.")
		return
	case verdict != visitors.Welcome:
		retryAfter(w, wait)
		s.refuse(w, http.StatusServiceUnavailable, "This site is asked too often right now. Wait a little.")
		return
	case r.Method == http.MethodConnect:
		w.Header().Set("Connection", "close") // what follows is no request
		s.refuse(w, http.StatusMethodNotAllowed, "This is a web site, not a proxy.")
		return
	case r.RequestURI == "*": // OPTIONS: about the server, not about a page of it
		w.Header()["Date"] = nil
		w.WriteHeader(http.StatusNoContent)
		return
	case v.policy.inproxy && fromInproxy(r.Header):
		s.refuse(w, http.StatusForbidden, "This site is for visitors who run I2P themselves.")
		return
	case v.policy.referer && fromOtherSite(r):
		s.refuse(w, http.StatusForbidden, "This site does not take visitors from links of other sites. Type its address.")
		return
	case rejectedAgent(r.UserAgent(), v.policy.agents):
		s.refuse(w, http.StatusForbidden, "This site does not take visitors with this kind of browser.")
		return
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		if wait, ok := s.posts.Allow(time.Now(), peer); !ok {
			retryAfter(w, wait)
			s.refuse(w, http.StatusTooManyRequests, "You have sent too much. Wait a little.")
			return
		}
	}
	s.requests.Add(1)
	a := newAnswer(w, r, v.policy.compress)
	v.handler.ServeHTTP(a, r)
	_ = a.Close()
}
