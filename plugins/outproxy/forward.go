package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// failover is the transport of http:// requests: to one exit after the other, as long as no byte of an answer has come and the
// request can be sent again.
type failover struct {
	exits     *exits
	transport http.RoundTripper
}

type exitKey struct{}

// stop is the exit that a request goes to now.
type stop struct {
	exit      *peerExit
	isolation string
}

// transport speaks to the exit that is in the context.
func (e *exits) transport() *http.Transport {
	return &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			if _, ok := r.Context().Value(exitKey{}).(stop); !ok {
				return nil, errors.New("outproxy: no exit") // it would dial the site
			}
			return &url.URL{Scheme: "http", Host: "exit.i2p:80"}, nil
		},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			to, ok := ctx.Value(exitKey{}).(stop)
			if !ok {
				return nil, errors.New("outproxy: no exit")
			}
			return e.dial(ctx, to.exit, to.isolation)
		},
		// One request per stream: who else uses the exit, and what for, is nobody's business.
		DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: exitAnswer, ExpectContinueTimeout: 2 * time.Second,
	}
}

func (f *failover) RoundTrip(r *http.Request) (*http.Response, error) {
	way, ok := r.Context().Value(routeKey{}).(route)
	if !ok {
		return nil, errors.New("outproxy: no route")
	}
	body := &once{ReadCloser: r.Body}
	if r.Body != nil {
		defer func() {
			if body.unclaimed.Load() {
				_ = r.Body.Close()
			}
		}()
	}
	var answer *http.Response
	err := f.exits.attempts(r.Context(), way, func(to *peerExit) (again bool, err error) {
		out := r.Clone(context.WithValue(r.Context(), exitKey{}, stop{to, way.isolation}))
		if r.Body != nil && r.Body != http.NoBody {
			out.Body = body
		}
		if to.auth != "" {
			out.Header.Set("Proxy-Authorization", to.auth)
		}
		got, err := f.transport.RoundTrip(out)
		fresh := !body.read.Load()
		if err != nil {
			return errors.Is(err, errDial) || fresh && repeatable(r.Method), err
		}
		if bad := useless(got); bad != nil {
			_, _ = io.CopyN(io.Discard, got.Body, maxErrorBody)
			_ = got.Body.Close()
			return fresh, bad
		}
		answer = got
		return false, nil
	})
	if err != nil {
		body.unclaimed.Store(true)
		return nil, err
	}
	return answer, nil
}

// repeatable: nothing happens by sending it twice (RFC 9110 section 9.2.1).
func repeatable(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions || method == http.MethodTrace
}

// once is a request's body that a transport cannot close before somebody has read of it.
type once struct {
	io.ReadCloser

	read, unclaimed atomic.Bool
}

func (b *once) Read(p []byte) (int, error) {
	b.read.Store(true)
	return b.ReadCloser.Read(p)
}

func (b *once) Close() error {
	if b.read.Load() {
		return b.ReadCloser.Close()
	}
	return nil
}
