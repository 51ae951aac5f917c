package http_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// A browser opens a websocket by CONNECT to port 80. What is behind it is cleaned like any request.
func TestWebsocketBehindConnect(t *testing.T) {
	seen := make(chan *nethttp.Request, 1)
	echo := websocket.Server{
		Handshake: func(_ *websocket.Config, r *nethttp.Request) error {
			seen <- r
			return nil
		},
		Handler: func(c *websocket.Conn) {
			var message string
			for websocket.Message.Receive(c, &message) == nil {
				_ = websocket.Message.Send(c, message)
			}
		},
	}
	f := start(t, echo)
	c := f.dial(t)
	fmt.Fprintf(c, "CONNECT %s:80 HTTP/1.1\r\nHost: %s:80\r\n\r\n", siteName, siteName)
	br := bufio.NewReader(c)
	if resp, err := nethttp.ReadResponse(br, &nethttp.Request{Method: "CONNECT"}); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%+v %v", resp, err)
	}
	cfg, err := websocket.NewConfig("ws://"+siteName+"/chat?x", "http://"+siteName)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Header.Set("User-Agent", "Mozilla/5.0 mine")
	cfg.Header.Set("Accept-Language", "de")
	cfg.Header.Set("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
	cfg.Header.Set("Cookie", "a=b")
	cfg.Protocol = []string{"chat"}
	ws, err := websocket.NewClient(cfg, c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		message := strings.Repeat(fmt.Sprint("message ", i), 1+i*5000)
		var got string
		if err := websocket.Message.Send(ws, message); err != nil {
			t.Fatal(err)
		}
		if err := websocket.Message.Receive(ws, &got); err != nil || got != message {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	r := <-seen
	check(t, r)
	h := r.Header
	if r.Host != siteB32 || r.RequestURI != "/chat?x" || h.Get("Origin") != "http://"+siteB32 || h.Get("Sec-Websocket-Extensions") != "" ||
		h.Get("Cookie") != "a=b" || h.Get("Sec-Websocket-Protocol") != "chat" || h.Get("X-Accept-Encoding") != "" {
		t.Errorf("the server sees %s %s %v", r.Host, r.RequestURI, h)
	}
}

// A page can name any port of its server, and must not see more of the browser there.
func TestWebsocketToAnotherPort(t *testing.T) {
	seen := make(chan *nethttp.Request, 1)
	f := start(t, nethttp.HandlerFunc(func(_ nethttp.ResponseWriter, r *nethttp.Request) { seen <- r }))
	c := f.dial(t)
	fmt.Fprintf(c, "CONNECT %s:8081 HTTP/1.1\r\nHost: x\r\n\r\n", siteName)
	if resp, err := nethttp.ReadResponse(bufio.NewReader(c), &nethttp.Request{Method: "CONNECT"}); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%+v %v", resp, err)
	}
	fmt.Fprintf(c, "GET /ws HTTP/1.1\r\nHost: %s:8081\r\nUser-Agent: Mozilla/5.0 mine\r\nAccept-Language: de\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nOrigin: http://%s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: mine\r\n\r\n", siteName, siteName)
	r := <-seen
	check(t, r)
	if r.Host != siteB32+":8081" || r.Header.Get("Sec-WebSocket-Extensions") != "" || r.Header.Get("Origin") != "null" {
		t.Errorf("the server sees %s %v", r.Host, r.Header)
	}
}

// The same library through the absolute form.
func TestWebsocketInAbsoluteForm(t *testing.T) {
	f := start(t, websocket.Handler(func(c *websocket.Conn) { _, _ = io.Copy(c, c) }))
	c := f.dial(t)
	cfg, err := websocket.NewConfig("ws://"+siteName+"/", "http://"+siteName)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Location, _ = url.Parse("ws://" + siteName + "/")
	ws, err := websocket.NewClient(cfg, absolute{c, siteName})
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := websocket.Message.Send(ws, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := websocket.Message.Receive(ws, &got); err != nil || got != "hello" {
		t.Errorf("%q %v", got, err)
	}
}

// absolute writes the request line as for a proxy.
type absolute struct {
	net.Conn
	host string
}

func (a absolute) Write(p []byte) (int, error) {
	if rest, ok := strings.CutPrefix(string(p), "GET /"); ok {
		_, err := io.WriteString(a.Conn, "GET http://"+a.host+"/"+rest)
		return len(p), err
	}
	return a.Conn.Write(p)
}

func connect80(t *testing.T, f *fixture) (*net.TCPConn, *bufio.Reader) {
	t.Helper()
	c := f.dial(t)
	fmt.Fprintf(c, "CONNECT %s:80 HTTP/1.1\r\nHost: x\r\n\r\n", siteName)
	br := bufio.NewReader(c)
	resp, err := nethttp.ReadResponse(br, &nethttp.Request{Method: "CONNECT"})
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%+v, %v", resp, err)
	}
	return c, br
}

func TestPlainRequestBehindConnect(t *testing.T) {
	for name, tt := range map[string]struct{ sent, want string }{
		"request": {
			"GET /a?b HTTP/1.1\r\nHost: " + siteName + "\r\nUser-Agent: mine\r\nReferer: http://" + siteName + "/x\r\nConnection: keep-alive\r\n\r\n",
			"GET /a?b HTTP/1.1\r\nHost: " + siteB32 + "\r\nConnection: close\r\nReferer: /x\r\nUser-Agent: MYOB/6.66 (AN/ON)\r\n\r\n",
		},
		"body": {
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
			"POST / HTTP/1.1\r\nHost: " + siteB32 + "\r\nConnection: close\r\nContent-Length: 4\r\nUser-Agent: MYOB/6.66 (AN/ON)\r\n\r\nbody",
		},
		"chunks": {
			"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: " + siteB32 + "\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nUser-Agent: MYOB/6.66 (AN/ON)\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
		},
		"not HTTP":           {"SSH-2.0-x\r\n\r\n", "SSH-2.0-x\r\n\r\n"},
		"nearly":             {"GET x HTTP/1.1\r\n\r\n", "GET x HTTP/1.1\r\n\r\n"},
		"cut":                {"GET / HT", "GET / HT"},
		"letters":            {"ABCDEF", "ABCDEF"},
		"one letter":         {"G", "G"},
		"nothing":            {"", ""},
		"binary":             {"\x16\x03\x01", "\x16\x03\x01"},
		"a very long method": {strings.Repeat("A", 100) + " / HTTP/1.1\r\n\r\n", strings.Repeat("A", 100) + " / HTTP/1.1\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil)
			got := make(chan string, 1)
			raw(t, f, func(c net.Conn, br *bufio.Reader) {
				all, _ := io.ReadAll(br)
				got <- string(all)
			})
			c, _ := connect80(t, f)
			for i, b := range []byte(tt.sent) { // in pieces
				_, _ = c.Write([]byte{b})
				if i%16 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			_ = c.CloseWrite()
			if s := <-got; s != tt.want {
				t.Errorf("the server got\n%q\nwant\n%q", s, tt.want)
			}
		})
	}
}

// Protocols in which the server speaks first have port 80, too, if somebody wants so.
func TestServerThatSpeaksFirstOnPort80(t *testing.T) {
	f := start(t, nil)
	raw(t, f, func(c net.Conn, br *bufio.Reader) {
		_, _ = io.WriteString(c, "220 hello\r\n")
		line, _ := br.ReadString('\n')
		_, _ = io.WriteString(c, "250 "+line)
	})
	c, br := connect80(t, f)
	if line, err := br.ReadString('\n'); line != "220 hello\r\n" {
		t.Fatalf("%q %v", line, err)
	}
	_, _ = io.WriteString(c, "EHLO x\r\n")
	if line, err := br.ReadString('\n'); line != "250 EHLO x\r\n" {
		t.Fatalf("%q %v", line, err)
	}
}

// What cannot be cleaned is not sent.
func TestPlainRequestThatCannotBeCleaned(t *testing.T) {
	for name, tt := range map[string]struct {
		sent  string
		plain bool
	}{
		"no address":     {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
		"endless header": {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 70<<10), false},
		"malformed":      {"GET / HTTP/1.1\r\nHost x\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil)
			f.plain = tt.plain
			got := make(chan string, 1)
			raw(t, f, func(c net.Conn, br *bufio.Reader) {
				all, _ := io.ReadAll(br)
				got <- string(all)
			})
			c, br := connect80(t, f)
			_, _ = io.WriteString(c, tt.sent)
			if _, err := br.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("still open: %v", err)
			}
			if s := <-got; s != "" {
				t.Errorf("the server got %q", s)
			}
		})
	}
}
