package proxies_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/tests/proxytest"
)

// exit reads one request from the other end of a stream and answers as it is told.
func exit(answer string, then func(c net.Conn, r *nethttp.Request)) net.Conn {
	near, far := proxytest.Duplex()
	go func() {
		defer far.Close()
		r, err := nethttp.ReadRequest(bufio.NewReader(far))
		if err != nil {
			return
		}
		_, _ = io.WriteString(far, answer)
		if then != nil {
			then(far, r)
		}
	}()
	return near
}

func TestThroughProxyKeepsWhatComesWithTheAnswer(t *testing.T) {
	asked := make(chan string, 1)
	conn, err := proxies.ThroughProxy(t.Context(), exit("HTTP/1.1 200 OK\r\nVia: x\r\n\r\nbanner", func(c net.Conn, r *nethttp.Request) {
		asked <- r.Method + " " + r.RequestURI + " " + r.Host
		b, _ := io.ReadAll(c)
		_, _ = c.Write(b)
	}), "clear.example:22")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := <-asked; got != "CONNECT clear.example:22 clear.example:22" {
		t.Error(got)
	}
	_, _ = io.WriteString(conn, " echo")
	_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	if got, err := io.ReadAll(conn); string(got) != "banner echo" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestThroughProxyErrors(t *testing.T) {
	status := func(code int, fields ...string) string {
		s := fmt.Sprintf("HTTP/1.1 %d Text\r\n", code)
		for _, f := range fields {
			s += "Proxy-Status: " + f + "\r\n"
		}
		return s + "Content-Length: 4\r\n\r\nbody"
	}
	for _, tt := range []struct {
		name, answer string
		kind         error
		reason       string
		source, code string
		details      string
	}{
		{"no exit", status(503, `outproxy; error=destination_unavailable; details="none of 2"`), proxies.ErrOutproxyDown, "outproxy down", "outproxy", "destination_unavailable", "none of 2"},
		{"squid is down", status(502, `exit; error=destination_unavailable; details="the exit's squid does not answer"`), proxies.ErrExitDown, "exit down", "exit", "destination_unavailable", "the exit's squid does not answer"},
		{"port", status(403, `outproxy; error=http_request_denied`), proxies.ErrOutproxyRefused, "outproxy refused", "outproxy", "http_request_denied", ""},
		{"quota", status(429, `exit;error="http_request_denied"`), proxies.ErrOutproxyRefused, "outproxy refused", "exit", "http_request_denied", ""},
		{"name", status(502, `exit; error=dns_error; rcode="NXDOMAIN", outproxy`), proxies.ErrExitName, "exit name", "exit", "dns_error", ""},
		{"refused", status(502, `exit; error=connection_refused`), proxies.ErrExitConnection, "exit connection", "exit", "connection_refused", ""},
		{"timeout", status(504, `squid; received-status=504`, `exit; error=connection_timeout`), proxies.ErrExitTimeout, "exit timeout", "exit", "connection_timeout", ""},
		{"private", status(403, `exit; error=destination_ip_prohibited`), proxies.ErrExitProhibited, "exit prohibited", "exit", "destination_ip_prohibited", ""},
		{"internal", status(502, `outproxy; error=proxy_internal_error`), proxies.ErrOutproxyAnswer, "outproxy answer", "outproxy", "proxy_internal_error", ""},
		{"new code", status(502, `exit; error=made_up`), proxies.ErrOutproxyAnswer, "outproxy answer", "exit", "made_up", ""},
		{"two errors: the one nearer to the site", status(502, `squid; error=dns_error, exit; error=proxy_internal_error`), proxies.ErrExitName, "exit name", "squid", "dns_error", ""},
		{"control characters", status(502, "exit; error=dns_error; details=\"a\\\"\x01\x7f\xffb\\\\c\""), proxies.ErrExitName, "exit name", "exit", "dns_error", `a"b\c`},
		{"long details", status(502, `exit; error=dns_error; details="`+strings.Repeat("x", 999)+`"`), proxies.ErrExitName, "exit name", "exit", "dns_error", strings.Repeat("x", 200)},
		{"bare squid 403", status(403), proxies.ErrOutproxyRefused, "outproxy refused", "", "", ""},
		{"bare squid 503", status(503), proxies.ErrExitConnection, "exit connection", "", "", ""},
		{"bare squid 504", status(504), proxies.ErrExitTimeout, "exit timeout", "", "", ""},
		{"other status", status(404), proxies.ErrOutproxyAnswer, "outproxy answer", "", "", ""},
		{"redirection", status(302), proxies.ErrOutproxyAnswer, "outproxy answer", "", "", ""},
		{"continue", "HTTP/1.1 100 Continue\r\n\r\n", proxies.ErrOutproxyAnswer, "outproxy answer", "", "", ""},
		{"not HTTP", "SSH-2.0-x\r\n\r\n", proxies.ErrOutproxyAnswer, "outproxy answer", "", "", ""},
		{"HTTP/2", "HTTP/2 200\r\n\r\n", proxies.ErrOutproxyAnswer, "outproxy answer", "", "", ""},
		{"line without colon", "HTTP/1.1 200 OK\r\nx\r\n\r\n", proxies.ErrOutproxyAnswer, "outproxy answer", "", "", ""},
		{"folded line", "HTTP/1.1 200 OK\r\nx: y\r\n z: y\r\n\r\n", proxies.ErrOutproxyAnswer, "outproxy answer", "", "", ""},
		{"ends in the head", "HTTP/1.1 200 OK\r\n", proxies.ErrOutproxyAnswer, "outproxy answer", "", "", ""},
		{"endless head", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20<<10), proxies.ErrOutproxyAnswer, "outproxy answer", "", "", ""},
		{"nothing", "", proxies.ErrOutproxyDown, "outproxy down", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := proxies.ThroughProxy(t.Context(), exit(tt.answer, nil), "clear.example:443")
			if conn != nil || !errors.Is(err, tt.kind) || proxies.Classify(err).String() != tt.reason {
				t.Fatalf("%v, %v", conn, err)
			}
			var o *proxies.OutproxyError
			if !errors.As(err, &o) || o.Source != tt.source || o.Code != tt.code || o.Details != tt.details {
				t.Errorf("%+v", o)
			}
			if strings.Contains(err.Error(), "example") || tt.details != "" && strings.Contains(err.Error(), tt.details) {
				t.Errorf("the error can be logged, but says %v", err)
			}
		})
	}
}

func TestProxyStatusLeavesTheSitesAnswersAlone(t *testing.T) {
	for _, tt := range []struct {
		status int
		field  string
	}{{404, ""}, {502, "cdn"}, {502, "cdn; received-status=502"}, {200, "exit; error=dns_error"}, {302, "exit; error=dns_error"}} {
		if err := proxies.ProxyStatus(tt.status, []string{tt.field}); err != nil {
			t.Errorf("%d %q: %v", tt.status, tt.field, err)
		}
	}
}

func TestThroughProxyEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := proxytest.Duplex()
		go func() { _, _ = io.Copy(io.Discard, far); _ = far.Close() }()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		if _, err := proxies.ThroughProxy(ctx, near, "clear.example:443"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := near.Write([]byte("x")); err == nil {
			t.Error("the stream is open")
		}
	})
}

func TestThroughAsksTheOutproxyOnlyForTargetsWithVia(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := false
		o := proxies.Opener{DialTimeout: time.Minute, Dialer: proxytest.DialFunc(func(_ context.Context, target proxies.Target) (net.Conn, error) {
			switch {
			case target.Via == "down":
				return nil, fmt.Errorf("gate: %w", proxies.ErrOutproxyDown)
			case target.Via == "" || silent:
				near, far := proxytest.Duplex()
				go func() { _, _ = io.Copy(io.Discard, far); _ = far.Close() }()
				return near, nil
			}
			return exit("HTTP/1.1 200 OK\r\n\r\n", func(c net.Conn, r *nethttp.Request) { _, _ = io.WriteString(c, r.Host) }), nil
		})}
		conn, err := o.Through(t.Context(), proxies.Target{Host: "2a00::1", Port: 22, Via: "exit"})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(conn); string(got) != "[2a00::1]:22" {
			t.Errorf("asked for %s", got)
		}
		if _, err = o.Through(t.Context(), proxies.Target{Host: "clear.example", Port: 22, Via: "down"}); proxies.Classify(err).String() != "outproxy down" {
			t.Error(err)
		}
		silent = true
		begin := time.Now()
		_, err = o.Through(t.Context(), proxies.Target{Host: "clear.example", Port: 22, Via: "exit"})
		if proxies.Classify(err) != proxies.ReasonExitTimeout || time.Since(begin) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		conn2, err := o.Through(t.Context(), proxies.Target{Host: "a.i2p", Port: 22})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		_ = conn2.Close()
	})
}

// whole is a stream that has all it will ever give.
type whole struct {
	net.Conn
	r      io.Reader
	closed bool
}

func (w *whole) Read(p []byte) (int, error)  { return w.r.Read(p) }
func (w *whole) Write(p []byte) (int, error) { return len(p), nil }
func (w *whole) Close() error                { w.closed = true; return nil }

func FuzzThroughProxy(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\n\r\ndata", "HTTP/1.1 502 x\r\nProxy-Status: exit; error=dns_error; details=\"a\\\"b\", x\r\n\r\n",
		"HTTP/1.1 403 x\r\nProxy-Status: \"a;b\" ;error=x=y;;=\"\r\n\r\n", "HTTP/1.1 200", "",
	} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, answer []byte, chunk uint8) {
		w := &whole{r: io.MultiReader(strings.NewReader(string(answer[:min(len(answer), int(chunk))])), strings.NewReader(string(answer[min(len(answer), int(chunk)):])))}
		conn, err := proxies.ThroughProxy(t.Context(), w, "clear.example:443")
		if err != nil {
			var o *proxies.OutproxyError
			if !errors.As(err, &o) || !w.closed || len(o.Details) > 200 || len(o.Source) > 200 || len(o.Code) > 200 ||
				strings.ContainsFunc(o.Details+o.Source+o.Code, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%+v, closed %v", o, w.closed)
			}
			return
		}
		head, data, ok := strings.Cut(string(answer), "\r\n\r\n")
		got, _ := io.ReadAll(conn)
		if !ok || string(got) != data || !strings.HasPrefix(head, "HTTP/1.") || w.closed {
			t.Fatalf("%q gives %q", answer, got)
		}
	})
}
