package router

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/upstream"
)

func TestAFailingProxyIsToldOnce(t *testing.T) {
	d, err := upstream.New("socks5://u:secret@127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p := &proxy{dialer: d, log: slog.New(slog.NewTextHandler(&log, nil))}
	now := time.Now()
	own, peer := fmt.Errorf("upstream: %w refuses us", upstream.ErrProxy), fmt.Errorf("upstream: %w", upstream.ErrPeer)
	silent := fmt.Errorf("upstream: %w", upstream.ErrSilent)
	for i, step := range []struct {
		err    error
		after  time.Duration
		failed bool
		lines  int
	}{
		{nil, 0, false, 0},
		{peer, 0, false, 0},
		{own, 0, true, 1},
		{own, time.Hour, true, 1},
		{context.Canceled, 0, true, 1}, // tells nothing
		{peer, 0, false, 2},            // it works again
		{own, time.Minute, true, 2},    // soon after
		{nil, 0, false, 2},
		{own, time.Hour, true, 3},
		{peer, 0, false, 4},
		{own, time.Minute, true, 4}, // too soon to be told
		{own, time.Hour, true, 5},   // but it lasts
		{peer, 0, false, 6},
		{silent, time.Hour, false, 6},
		{silent, 0, false, 6},
		{peer, 0, false, 6}, // it was theirs
		{silent, 0, false, 6},
		{silent, 0, false, 6},
		{silent, 0, false, 6},
		{silent, 0, false, 6},
		{silent, 0, true, 7},
		{silent, 0, true, 7},
		{nil, 0, false, 8},
	} {
		now = now.Add(step.after)
		err := p.note(step.err, now)
		if errors.Is(err, upstream.ErrProxy) != (step.failed && !errors.Is(err, context.Canceled)) || !errors.Is(err, step.err) {
			t.Errorf("step %d: %v", i, err)
		}
		if st := p.status(); (st.Failure != nil) != step.failed || st.Proxy != "socks5://127.0.0.1:9" {
			t.Errorf("step %d: %+v", i, st)
		}
		if n := strings.Count(log.String(), "\n"); n != step.lines {
			t.Errorf("step %d: %d lines", i, n)
		}
	}
	if strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "refuses us") {
		t.Error(log.String())
	}
	if (*proxy)(nil).status() != nil {
		t.Error("a status without a proxy")
	}
}

func TestTryUpstream(t *testing.T) {
	says := func(answer string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			c, err := l.Accept()
			if err == nil {
				c.Read(make([]byte, 300))
				io.WriteString(c, answer)
				c.Close()
			}
		}()
		return l.Addr().String()
	}
	for name, tc := range map[string]struct {
		url  string
		want error
	}{
		"none":              {"", nil},
		"leads there":       {"http://" + says("HTTP/1.1 200 OK\r\n\r\n"), nil},
		"does not reach it": {"http://" + says("HTTP/1.1 504 Timeout\r\n\r\n"), nil},
		"wants a password":  {"http://" + says("HTTP/1.1 407 Who\r\n\r\n"), upstream.ErrProxy},
		"no proxy":          {"socks5://" + says("220 mail\r\n"), upstream.ErrProxy},
	} {
		if err := TryUpstream(t.Context(), Config{Upstream: tc.url}); !errors.Is(err, tc.want) || tc.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
