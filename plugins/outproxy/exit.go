package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/httpguard"
	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
	"clove.i2p/proxies/relay"
)

// exit is an outproxy-server. A request meets the checks in the order of ServeHTTP.
type exit struct {
	ctx    context.Context
	book   *visitors.Book
	ledger *ledger
	audit  *audit
	now    atomic.Pointer[exitVersion]
	down   atomic.Bool // the upstream did not answer last time
	count  exitCounters
	plain  *httputil.ReverseProxy
	sent   atomic.Uint64 // of relays; the ledger counts for the user
	got    atomic.Uint64
}

// exitVersion is what a reload replaces.
type exitVersion struct {
	exitPolicy

	up upstream
}

// client is who asks.
type client struct {
	peer visitors.Peer
	tell map[string]string // headers for squid
}

type clientKey struct{}

func clientOf(ctx context.Context) client {
	c, _ := ctx.Value(clientKey{}).(client)
	return c
}

func peerOf(c net.Conn) visitors.Peer {
	a, _ := sdk.PeerOf(c)
	p, _ := visitors.ParsePeer(a.Base32)
	return p
}

func newExit(ctx context.Context, v *exitVersion, counter func(name, help string) *sdk.Counter) *exit {
	e := &exit{ctx: ctx, book: visitors.NewBook(v.limits), ledger: newLedger(v.budget), audit: newAudit(), count: newExitCounters(counter)}
	e.now.Store(v)
	e.plain = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			r.Out.Host = r.In.Host
			cleanRequest(r.Out.Header)
			for name, value := range clientOf(r.In.Context()).tell {
				r.Out.Header.Set(name, value)
			}
		},
		Transport: current{e},
		ModifyResponse: func(r *http.Response) error {
			e.down.Store(false)
			if f := e.now.Load().up.inspect(r); f != nil {
				return f
			}
			cleanAnswer(r.Header)
			return nil
		},
		ErrorHandler: e.failed,
		ErrorLog:     log.New(io.Discard, "", 0), // its lines name sites
	}
	return e
}

// current is the transport of the upstream of now.
type current struct{ e *exit }

func (c current) RoundTrip(r *http.Request) (*http.Response, error) {
	return c.e.now.Load().up.transport().RoundTrip(r)
}

func (e *exit) use(v *exitVersion) {
	e.book.SetLimits(v.limits)
	e.ledger.setBudget(v.budget)
	e.now.Store(v)
}

func (e *exit) admit(c net.Conn) (leave func(), refusal *httpguard.Refusal) {
	peer := peerOf(c)
	if !e.now.Load().lists.Allows(peer) {
		return nil, &httpguard.Refusal{Status: http.StatusForbidden, Why: "This exit is not for you."}
	}
	leave, verdict := e.book.Open(peer)
	switch verdict {
	case visitors.PeerOpen:
		return nil, &httpguard.Refusal{Status: http.StatusTooManyRequests, Why: "You have too many connections to this exit."}
	case visitors.TotalOpen:
		return nil, &httpguard.Refusal{Status: http.StatusServiceUnavailable, Why: "This exit has too many clients right now."}
	}
	return leave, nil
}

// refused answers what never became a request.
func (e *exit) refused(w http.ResponseWriter, r *http.Request, why httpguard.Refusal) {
	switch why.Status {
	case http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		e.count.busy.Add(1)
	default:
		e.count.malformed.Add(1)
	}
	exitFailure(why.Status, errDenied, why.Why).write(w)
}

// outcome is what the audit gets to know about a request, filled in on the way.
type outcome struct {
	port uint16
	err  string
}

type outcomeKey struct{}

func (e *exit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := e.now.Load()
	conn := httpguard.ConnOf(r)
	c := client{peer: peerOf(conn)}
	if v.forward {
		c.tell = map[string]string{"X-I2P-DestB32": c.peer.Base32(), "X-I2P-DestHash": c.peer.Base64()}
	}
	result := &outcome{err: "ok"}
	ctx := context.WithValue(context.WithValue(r.Context(), clientKey{}, c), outcomeKey{}, result)
	r = r.WithContext(ctx)
	if m, ok := conn.(*metered); ok && v.audit {
		before := m.moved.Load()
		defer func() { e.audit.count(time.Now(), c.peer, result.port, result.err, m.moved.Load()-before) }()
	}
	if f := e.limits(v, c.peer); f != nil {
		e.count.busy.Add(1)
		result.err = f.err
		f.write(w)
		return
	}
	if len(v.users) > 0 && !authorized(v.users, r.Header.Get("Proxy-Authorization")) {
		e.count.busy.Add(1)
		result.err = errDenied
		w.Header()["Date"] = nil
		w.Header().Set("Proxy-Authenticate", `Basic realm="outproxy"`)
		w.Header().Set("Proxy-Status", exitFailure(407, errDenied, "the exit wants a user name and password").header())
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method == http.MethodOptions && r.RequestURI == "*" {
		e.probed(w)
		return
	}
	d, f := e.destination(v, r)
	result.port = d.port
	if f != nil {
		if counter := e.count.refused[f.err]; counter != nil {
			counter.Add(1)
		}
		result.err = f.err
		f.write(w)
		return
	}
	if r.Method == http.MethodConnect {
		e.count.tunnels.Add(1)
		e.connect(v, w, r, d, c)
		return
	}
	e.count.requests.Add(1)
	r.URL.Host = d.String() // in the one spelling
	if d.port == 80 {
		r.URL.Host = strings.TrimSuffix(r.URL.Host, ":80")
	}
	r.Host = r.URL.Host
	e.plain.ServeHTTP(w, r)
}

// limits are those of rate and quota.
func (e *exit) limits(v *exitVersion, peer visitors.Peer) *failure {
	if !v.lists.Allows(peer) { // it may have changed since the connection came
		return exitFailure(http.StatusForbidden, errDenied, "this exit is not for you")
	}
	f := exitFailure(http.StatusTooManyRequests, errDenied, "")
	if wait, verdict := e.book.Request(time.Now(), peer); verdict != visitors.Welcome {
		f.details, f.wait = "too many requests: wait a little", wait
		return f
	}
	if wait, ok := e.ledger.left(time.Now(), peer); !ok {
		f.details, f.wait = "the quota of the day is used up", wait
		return f
	}
	return nil
}

// destination is what a request asks for, if it may.
func (e *exit) destination(v *exitVersion, r *http.Request) (destination, *failure) {
	asked, port := r.URL.Host, uint16(80)
	switch {
	case r.Method == http.MethodConnect:
		asked, port = r.RequestURI, 0
	case r.URL.Scheme != "http" || asked == "":
		return destination{}, exitFailure(http.StatusBadRequest, errDenied, "this is an HTTP proxy: it wants http://host/path, or CONNECT host:port")
	}
	d, bad := parseDestination(asked, port)
	if bad == nil {
		bad = v.rules.check(d)
	}
	if bad != nil {
		return d, exitFailure(http.StatusForbidden, bad.err, bad.why)
	}
	return d, nil
}

// probed answers OPTIONS *, by which clients see that the exit is there.
func (e *exit) probed(w http.ResponseWriter) {
	if e.down.Load() {
		e.now.Load().up.gone().write(w)
		return
	}
	w.Header()["Date"] = nil
	w.WriteHeader(http.StatusNoContent)
}

func (e *exit) connect(v *exitVersion, w http.ResponseWriter, r *http.Request, d destination, c client) {
	far, f := v.up.connect(r.Context(), d, c)
	if f != nil {
		e.fail(w, r, f)
		return
	}
	e.down.Store(false)
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

// failed is the error handler of plain requests.
func (e *exit) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil || errors.Is(err, errQuota) {
		panic(http.ErrAbortHandler)
	}
	var f *failure
	if !errors.As(err, &f) {
		f = e.now.Load().up.explain(err)
	}
	e.fail(w, r, f)
}

func (e *exit) fail(w http.ResponseWriter, r *http.Request, f *failure) {
	if counter := e.count.failed[f.err]; counter != nil {
		counter.Add(1)
	} else if counter := e.count.refused[f.err]; counter != nil {
		counter.Add(1)
	}
	if f.err == errUnavailable {
		e.down.Store(true)
	}
	if o, ok := r.Context().Value(outcomeKey{}).(*outcome); ok {
		o.err = f.err
	}
	f.write(w)
}

func (e *exit) health() (sdk.HealthState, string) {
	if !e.down.Load() {
		return sdk.Healthy, ""
	}
	return sdk.Degraded, e.now.Load().up.gone().details
}
