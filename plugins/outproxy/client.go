package main

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync/atomic"

	"golang.org/x/net/publicsuffix"

	"clove.i2p/plugins/httpguard"
	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
	"clove.i2p/proxies/relay"
)

// exits is an outproxy-client: requests for http:// in forward.go, the rest in tunnel.go.
type exits struct {
	ctx    context.Context
	dialer i2pDialer
	now    atomic.Pointer[exitLists]
	plain  *httputil.ReverseProxy
	count  clientCounters
	sent   atomic.Uint64
	got    atomic.Uint64
}

// i2pDialer is what a client needs of its tunnel.
type i2pDialer interface {
	DialIsolated(ctx context.Context, address, isolation string) (net.Conn, error)
}

// exitLists is what a reload replaces. No exit of one list is used for what belongs to the other.
type exitLists struct{ http, tls *pool }

type clientCounters struct {
	requests, tunnels, refused, failovers, unreachable, probes, probesFailed *sdk.Counter
}

func newLists(s clientSettings) *exitLists {
	auth := map[string]string{}
	for exit, secret := range s.Credentials {
		auth[exit] = "Basic " + base64.StdEncoding.EncodeToString([]byte(secret))
	}
	random := func() *rand.Rand { return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) }
	return &exitLists{http: newPool(s.Exits, auth, random()), tls: newPool(s.TLSExits, auth, random())}
}

func newExits(ctx context.Context, d i2pDialer, l *exitLists, counter func(name, help string) *sdk.Counter) *exits {
	e := &exits{ctx: ctx, dialer: d, count: clientCounters{
		requests:     counter("requests", "http:// requests that went to an exit"),
		tunnels:      counter("tunnels", "CONNECT requests that went to an exit"),
		refused:      counter("refused", "requests for what is not of the web, and what is no request"),
		failovers:    counter("failovers", "requests that another exit was tried for"),
		unreachable:  counter("unreachable", "requests for which no exit answered"),
		probes:       counter("probes", "tries whether an exit is there"),
		probesFailed: counter("probes_failed", "those that failed"),
	}}
	e.now.Store(l)
	e.plain = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			r.Out.Host = r.In.Host
			cleanRequest(r.Out.Header)
		},
		Transport: &failover{exits: e, transport: e.transport()},
		ModifyResponse: func(r *http.Response) error {
			status := r.Header["Proxy-Status"]
			cleanAnswer(r.Header)
			if by, _, _ := parseStatus(status); by == "exit" {
				r.Header["Proxy-Status"] = status[len(status)-1:]
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				panic(http.ErrAbortHandler)
			}
			e.unreachable(w, err)
		},
		ErrorLog: log.New(io.Discard, "", 0), // its lines name sites
	}
	return e
}

func ownFailure(status int, code, details string) *failure {
	return &failure{status: status, by: "outproxy", err: code, details: details}
}

func (e *exits) unreachable(w http.ResponseWriter, err error) {
	var f *failure
	if !errors.As(err, &f) {
		f = ownFailure(http.StatusBadGateway, errInternal, "the outproxy broke off")
	}
	e.count.unreachable.Add(1)
	f.write(w)
}

// isolationOf keeps apart what clove's proxies want apart. On the local address, it is the user name and password that a client
// gives, which are checked by nobody.
func isolationOf(r *http.Request) string {
	conn := httpguard.ConnOf(r)
	if isolation := sdk.IsolationOf(conn); isolation != "" {
		return isolation
	}
	if auth := r.Header.Get("Proxy-Authorization"); auth != "" {
		return "listen " + auth
	}
	return ""
}

// siteOf is the registrable domain: the hosts of a site share their sessions.
func siteOf(host string) string {
	if site, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return site
	}
	return host
}

type routeKey struct{}

// route is where a request may go.
type route struct {
	pool      *pool
	isolation string
	site      visitors.Peer
}

func (e *exits) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked, port := r.URL.Host, uint16(80)
	to := e.now.Load().http
	switch {
	case r.Method == http.MethodConnect:
		asked, port, to = r.RequestURI, 0, e.now.Load().tls
	case r.Method == http.MethodOptions && r.RequestURI == "*":
		w.Header()["Date"] = nil
		w.WriteHeader(http.StatusNoContent)
		return
	case r.URL.Scheme != "http" || asked == "":
		e.count.refused.Add(1)
		ownFailure(http.StatusBadRequest, errDenied, "this is an HTTP proxy: it wants http://host/path, or CONNECT host:port").write(w)
		return
	}
	d, bad := parseDestination(asked, port)
	if bad != nil {
		e.count.refused.Add(1)
		ownFailure(http.StatusForbidden, bad.err, bad.why).write(w)
		return
	}
	if all, _ := to.state(); all == 0 {
		e.count.unreachable.Add(1)
		text := "no outproxy for http:// is set: name one in outproxies"
		if r.Method == http.MethodConnect {
			text = "no outproxy for https:// is set: name one in https_outproxies"
		}
		ownFailure(http.StatusServiceUnavailable, errUnavailable, text).write(w)
		return
	}
	isolation := isolationOf(r)
	way := route{pool: to, isolation: isolation, site: siteKey(isolation, siteOf(d.host))}
	if r.Method == http.MethodConnect {
		e.count.tunnels.Add(1)
		e.connect(w, r, d, way)
		return
	}
	e.count.requests.Add(1)
	r.URL.Host = d.String()
	if d.port == 80 {
		r.URL.Host = strings.TrimSuffix(r.URL.Host, ":80")
	}
	r.Host = r.URL.Host
	e.plain.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), routeKey{}, way)))
}

func (e *exits) connect(w http.ResponseWriter, r *http.Request, d destination, way route) {
	far, answer, err := e.tunnel(r.Context(), d, way)
	switch {
	case r.Context().Err() != nil:
		if far != nil {
			_ = far.Close()
		}
		panic(http.ErrAbortHandler)
	case err != nil:
		e.unreachable(w, err)
		return
	case answer != nil:
		answer.write(w)
		return
	}
	defer far.Close()
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer near.Close()
	if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	relay.Join(e.ctx, &replayed{Conn: near, first: buffered.Reader}, far, relay.Limits{Idle: tunnelIdle, Linger: tunnelLinger}, &e.sent, &e.got)
}
