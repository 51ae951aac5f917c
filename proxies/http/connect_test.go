package http_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"strings"
	"testing"
	"time"

	httpproxy "clove.i2p/proxies/http"
)

func connect(t *testing.T, f *fixture, early string) (*net.TCPConn, *bufio.Reader) {
	t.Helper()
	c := f.dial(t)
	fmt.Fprintf(c, "CONNECT %s:443 HTTP/1.1\r\nHost: x\r\nUser-Agent: secret\r\n\r\n%s", siteName, early)
	br := bufio.NewReader(c)
	resp, err := nethttp.ReadResponse(br, &nethttp.Request{Method: "CONNECT"})
	if err != nil || resp.StatusCode != 200 || len(resp.Header) != 0 {
		t.Fatalf("%+v, %v", resp, err)
	}
	return c, br
}

func TestConnectKeepsEarlyDataAndHalfClose(t *testing.T) {
	f := start(t, nil)
	raw(t, f, func(c net.Conn, br *bufio.Reader) {
		all, _ := io.ReadAll(br)
		fmt.Fprintf(c, "got %q", all)
	})
	for _, early := range []string{"", "EARLY-", strings.Repeat("e", 10<<10)} {
		c, br := connect(t, f, early)
		_, _ = io.WriteString(c, "LATER")
		_ = c.CloseWrite()
		got, err := io.ReadAll(br)
		if want := fmt.Sprintf("got %q", early+"LATER"); string(got) != want || err != nil {
			t.Errorf("got %.40q (%d), want %.40q, %v", got, len(got), want, err)
		}
	}
	if target := f.targets()[0]; target.Port != 443 || target.Host != siteName {
		t.Errorf("dialed %+v", target)
	}
}

func TestConnectServerSpeaksFirstAndHalfCloses(t *testing.T) {
	f := start(t, nil)
	got := make(chan string, 1)
	raw(t, f, func(c net.Conn, br *bufio.Reader) {
		_, _ = io.WriteString(c, "banner")
		_ = c.(*net.TCPConn).CloseWrite()
		all, _ := io.ReadAll(br)
		got <- string(all)
	})
	c, br := connect(t, f, "")
	if banner, err := io.ReadAll(br); string(banner) != "banner" || err != nil {
		t.Errorf("%q, %v", banner, err)
	}
	_, _ = io.WriteString(c, "still heard")
	_ = c.Close()
	if s := <-got; s != "still heard" {
		t.Errorf("server got %q", s)
	}
}

func TestBrokenStreamResetsTheClient(t *testing.T) {
	f := start(t, nil)
	raw(t, f, func(c net.Conn, br *bufio.Reader) {
		_, _ = io.WriteString(c, "part")
		_, _ = br.ReadByte()
		_ = c.(*net.TCPConn).SetLinger(0)
	})
	c, br := connect(t, f, "")
	if _, err := br.Peek(4); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "x")
	if all, err := io.ReadAll(br); err == nil {
		t.Errorf("got %q and a clean end", all)
	}
}

func TestIdleAndLingeringTunnelsEnd(t *testing.T) {
	for name, change := range map[string]func(*httpproxy.Config){
		"idle":   func(c *httpproxy.Config) { c.TunnelIdle = 100 * time.Millisecond },
		"linger": func(c *httpproxy.Config) { c.Linger = 100 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil, change)
			ended := make(chan error, 1)
			raw(t, f, func(c net.Conn, br *bufio.Reader) {
				_, _ = io.Copy(io.Discard, br)
				_, err := io.CopyN(c, zeros{}, 64<<20) // until the proxy is gone
				ended <- err
			})
			c, br := connect(t, f, "")
			if name == "linger" {
				// The server sends nothing while it holds the rest: block it by reading nothing.
				_ = c.CloseWrite()
			} else if _, err := br.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("client: %v", err)
			}
			if err := <-ended; err == nil {
				t.Error("server's side is still open")
			}
		})
	}
}

func openWebsocket(t *testing.T, f *fixture, early string) (*net.TCPConn, *bufio.Reader, *nethttp.Response) {
	t.Helper()
	c := f.dial(t)
	fmt.Fprintf(c, "GET http://%s/ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"+
		"Origin: http://%s\r\nSec-WebSocket-Key: k\r\n\r\n%s", siteName, siteName, early)
	br := bufio.NewReader(c)
	resp, err := nethttp.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, br, resp
}

func upgrade(c net.Conn, br *bufio.Reader) *nethttp.Request {
	r, err := nethttp.ReadRequest(br)
	if err != nil {
		return nil
	}
	_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: a\r\nAlt-Svc: x\r\n\r\nHELLO ")
	return r
}

func TestWebsocketBothWays(t *testing.T) {
	f := start(t, nil)
	origin := make(chan string, 1)
	raw(t, f, func(c net.Conn, br *bufio.Reader) {
		r := upgrade(c, br)
		origin <- r.Header.Get("Origin") + " " + r.Host + " " + r.Header.Get("Connection")
		line, _ := br.ReadString('\n')
		_, _ = io.WriteString(c, "echo "+line)
		line, _ = br.ReadString('\n')
		_, _ = io.WriteString(c, "echo "+line)
	})
	c, br, resp := openWebsocket(t, f, "early\n")
	if resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" || resp.Header.Get("Sec-WebSocket-Accept") != "a" ||
		resp.Header.Get("Alt-Svc") != "" {
		t.Errorf("%+v", resp)
	}
	if got, want := <-origin, "http://"+siteB32+" "+siteB32+" Upgrade"; got != want {
		t.Errorf("server saw %q, want %q", got, want)
	}
	if line, err := br.ReadString('\n'); line != "HELLO echo early\n" {
		t.Errorf("%q, %v", line, err)
	}
	_, _ = io.WriteString(c, "later\n")
	// The server closes, and so the client must see the end.
	if rest, err := io.ReadAll(br); string(rest) != "echo later\n" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestWebsocketClientCloseReachesTheServer(t *testing.T) {
	f := start(t, nil)
	ended := make(chan error, 1)
	raw(t, f, func(c net.Conn, br *bufio.Reader) {
		upgrade(c, br)
		_, err := io.Copy(io.Discard, br)
		ended <- err
	})
	c, br, _ := openWebsocket(t, f, "")
	if _, err := br.Peek(5); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRefusedWebsocketIsAnOrdinaryResponse(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) { w.WriteHeader(403) }))
	_, _, resp := openWebsocket(t, f, "")
	if resp.StatusCode != 403 || resp.Close {
		t.Errorf("%+v", resp)
	}
}

func TestUpgradeWithABodyIsNotForwarded(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		fmt.Fprintf(w, "%q %q", r.Header.Get("Upgrade"), r.Header.Get("Connection"))
	}))
	_, body := f.exchange(t, "POST http://"+siteName+"/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Content-Length: 1\r\n\r\nx")
	if body != `"" "close"` {
		t.Error(body)
	}
}
