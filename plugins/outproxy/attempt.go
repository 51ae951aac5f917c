package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"clove.i2p/plugins/api"
)

// errDial: the exit was not reached, and nothing was sent.
var errDial = errors.New("outproxy: exit not reached")

// dial opens a stream to an exit.
func (e *exits) dial(ctx context.Context, to *peerExit, isolation string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, exitDial)
	defer cancel()
	c, err := e.dialer.DialIsolated(ctx, to.address, isolation)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDial, err)
	}
	return c, nil
}

// attempts calls try with one exit after the other until it settles, or there is none left. try returns whether another exit
// may be asked, and an error if this one has failed; the last error is what remains.
func (e *exits) attempts(ctx context.Context, way route, try func(to *peerExit) (again bool, err error)) error {
	var tried []*peerExit
	var last error
	for len(tried) < maxAttempts {
		to := way.pool.pick(time.Now(), way.site, tried)
		if to == nil {
			break
		}
		if len(tried) > 0 {
			e.count.failovers.Add(1)
		}
		tried = append(tried, to)
		again, err := try(to)
		switch {
		case err == nil:
			way.pool.worked(time.Now(), to, &way.site)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case ours(err):
			return fmt.Errorf("%w: %w", explainDial(err), err)
		}
		way.pool.failed(time.Now(), to, &way.site)
		if last = err; !again {
			break
		}
	}
	if f := new(failure); errors.As(last, &f) {
		return f
	}
	if errors.Is(last, errDial) {
		return explainDial(last)
	}
	return last
}

// ours tells errors that no exit can help: those of this side.
func ours(err error) bool {
	for _, own := range []error{api.ErrNotReady, api.ErrPermission, api.ErrLimit} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

func explainDial(err error) *failure {
	switch {
	case errors.Is(err, api.ErrNotReady):
		return ownFailure(http.StatusServiceUnavailable, errUnavailable, "clove has no tunnels yet: wait a minute")
	case errors.Is(err, api.ErrPermission):
		return ownFailure(http.StatusServiceUnavailable, errInternal, "the plugin outproxy has no permission dial-i2p")
	case errors.Is(err, api.ErrLimit):
		return ownFailure(http.StatusServiceUnavailable, errInternal, "too many connections are open")
	case errors.Is(err, api.ErrUnknownHost):
		return ownFailure(http.StatusServiceUnavailable, errUnavailable, "no outproxy is reachable: the name is in no address book")
	case errors.Is(err, api.ErrOffline):
		return ownFailure(http.StatusServiceUnavailable, errUnavailable, "no outproxy is reachable: it is offline")
	}
	return ownFailure(http.StatusServiceUnavailable, errUnavailable, "no outproxy is reachable")
}

// useless tells answers by which an exit says that it cannot help, whatever it is asked for.
func useless(r *http.Response) *failure {
	if r.StatusCode == http.StatusProxyAuthRequired {
		return ownFailure(http.StatusServiceUnavailable, errUnavailable, "the outproxy wants a user name and password: set them in credentials")
	}
	by, code, details := parseStatus(r.Header["Proxy-Status"])
	if r.StatusCode/100 == 5 && by == "exit" && (code == errUnavailable || code == errInternal && r.StatusCode == http.StatusServiceUnavailable) {
		return &failure{status: r.StatusCode, by: by, err: code, details: details}
	}
	return nil
}
