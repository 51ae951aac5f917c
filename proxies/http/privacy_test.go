package http_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	nethttp "net/http"
	"os"
	"strings"
	"testing"
	"time"

	httpproxy "clove.i2p/proxies/http"
	"clove.i2p/tests/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

func TestLogsNameNoHosts(t *testing.T) {
	var buf bytes.Buffer
	cfg := httpproxy.DefaultConfig()
	log := slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}))
	n := &network{errs: map[string]error{"secret.i2p": errors.New("secret.i2p is broken")}}
	s, err := httpproxy.New(cfg, n, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	address, stop := proxytest.Serve(t, s)
	f := &fixture{network: n, address: address}
	for _, line := range []string{
		"GET http://secret.i2p/secret", "GET http://secret.example/", "CONNECT secret.i2p:1", "GET http://secret..i2p/",
	} {
		f.exchange(t, line+" HTTP/1.1\r\nHost: secret\r\nConnection: close\r\n\r\n")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if got := buf.String(); strings.Contains(got, "secret") || strings.Contains(got, "127.0.0.1") ||
		strings.Count(got, "reason=") != 4 {
		t.Error(got)
	}
}

func TestSlowHeadersAreCutOff(t *testing.T) {
	f := start(t, nil, func(c *httpproxy.Config) { c.HeaderTimeout = 100 * time.Millisecond })
	for _, part := range []string{"", "GET http://", "GET http://a.i2p/ HTTP/1.1\r\nX: "} {
		c := f.dial(t)
		_, _ = io.WriteString(c, part)
		if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q: still open", part)
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	f := start(t, nil)
	c := f.dial(t)
	_, _ = io.WriteString(c, "GET http://a.i2p/ HTTP/1.1\r\n"+strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 100)+"\r\n")
	got, _ := io.ReadAll(c)
	if !strings.HasPrefix(string(got), "HTTP/1.1 431 ") || len(f.targets()) > 0 {
		t.Errorf("%.100q", got)
	}
}

// A client that sends its body too slowly does not hold what it was refused for.
func TestSlowBodyOfARefusedRequestIsCutOff(t *testing.T) {
	f := start(t, nil)
	c := f.dial(t)
	_, _ = io.WriteString(c, "POST http://clear.example/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
	got, err := io.ReadAll(c)
	if !strings.HasPrefix(string(got), "HTTP/1.1 403 ") || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%.100q, %v", got, err)
	}
}

func TestStalledUploadIsGivenUp(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}), func(c *httpproxy.Config) { c.Idle = 100 * time.Millisecond })
	c := f.dial(t)
	_, _ = io.WriteString(c, "POST http://"+siteName+"/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
	got, err := io.ReadAll(c)
	if !strings.HasPrefix(string(got), "HTTP/1.1 504 ") || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%.100q, %v", got, err)
	}
}

func TestStalledDownloadIsGivenUp(t *testing.T) {
	ended := make(chan struct{})
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		_, _ = io.CopyN(w, zeros{}, 64<<20)
		close(ended)
	}), func(c *httpproxy.Config) { c.Idle = 100 * time.Millisecond })
	c := f.dial(t)
	_, _ = io.WriteString(c, "GET http://"+siteName+"/ HTTP/1.1\r\nHost: x\r\n\r\n")
	select {
	case <-ended: // without a byte read
	case <-time.After(20 * time.Second):
		t.Error("the server still sends")
	}
}
