package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// tunnel opens one to d through an exit. It returns either the tunnel, or what an exit said about d.
func (e *exits) tunnel(ctx context.Context, d destination, way route) (far net.Conn, answer *failure, err error) {
	err = e.attempts(ctx, way, func(to *peerExit) (again bool, err error) {
		far, answer, err = e.ask(ctx, to, d, way.isolation)
		return true, err
	})
	return far, answer, err
}

// ask sends CONNECT to one exit.
func (e *exits) ask(ctx context.Context, to *peerExit, d destination, isolation string) (net.Conn, *failure, error) {
	conn, err := e.dial(ctx, to, isolation)
	if err != nil {
		return nil, nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(exitAnswer))
	head := "CONNECT " + d.String() + " HTTP/1.1\r\nHost: " + d.String() + "\r\n"
	if to.auth != "" {
		head += "Proxy-Authorization: " + to.auth + "\r\n"
	}
	if _, err = io.WriteString(conn, head+"\r\n"); err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("%w: %w", errDial, err)
	}
	r, rest, err := readAnswer(conn)
	if err != nil {
		_ = conn.Close()
		return nil, nil, ownFailure(http.StatusBadGateway, errUnavailable, "the outproxy gave no answer")
	}
	if r.StatusCode/100 == 2 {
		_ = conn.SetDeadline(time.Time{})
		return &replayed{Conn: conn, first: rest}, nil, nil
	}
	_ = conn.Close()
	if bad := useless(r); bad != nil {
		return nil, nil, bad
	}
	return nil, refusalOf(r), nil
}

// refusalOf is what an exit said, in our words where it has none: most exits know no Proxy-Status.
func refusalOf(r *http.Response) *failure {
	by, code, details := parseStatus(r.Header["Proxy-Status"])
	if by == "exit" && code != "" && r.StatusCode >= 400 {
		return &failure{status: r.StatusCode, by: by, err: code, details: details}
	}
	f := ownFailure(http.StatusBadGateway, errInternal, fmt.Sprintf("the outproxy answered %d", r.StatusCode))
	switch r.StatusCode {
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusTooManyRequests:
		f.status, f.err = http.StatusForbidden, errDenied
	case http.StatusGatewayTimeout:
		f.status, f.err = http.StatusGatewayTimeout, errTimeout
	case http.StatusServiceUnavailable:
		f.err = errDNS // what squid says of names and sites it cannot find
	}
	return f
}
