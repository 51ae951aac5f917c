package http_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	httpproxy "clove.i2p/proxies/http"
)

func TestEachRequestHasAStreamOfItsOwnAndTheBrowserKeepsItsConnection(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		fmt.Fprintf(w, "%s %s host=%s", r.Method, r.RequestURI, r.Host)
	}))
	c := f.dial(t)
	br := bufio.NewReader(c)
	for _, method := range []string{"GET", "DELETE", "PROPFIND", "OPTIONS", "PATCH"} {
		fmt.Fprintf(c, "%s http://user:pw@EXAMPLE.i2p/a%%2Fb?q=1&%%20 HTTP/1.1\r\nHost: other.i2p\r\n\r\n", method)
		resp, err := nethttp.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := readAll(t, resp)
		if want := method + " /a%2Fb?q=1&%20 host=" + siteB32; got != want {
			t.Errorf("server saw %q, want %q", got, want)
		}
		if resp.Close {
			t.Errorf("%s: the browser's connection is closed", method)
		}
	}
	if n := len(f.targets()); n != 5 {
		t.Errorf("%d streams for 5 requests", n)
	}
	for _, target := range f.targets() {
		if target.Host != siteName || target.Port != 80 || target.Isolation.Listener != "http" {
			t.Errorf("dialed %+v", target)
		}
	}
	if stats := f.server.Stats(); stats.Requests != 5 || stats.Accepted != 1 || stats.Sent == 0 || stats.Received == 0 {
		t.Errorf("stats %+v", stats)
	}
}

func TestHeadAndBodilessResponsesKeepTheirHeaders(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		switch r.URL.Path {
		case "/head":
			w.Header().Set("Content-Length", "12345")
		case "/304":
			w.Header().Set("Etag", `"x"`)
			w.WriteHeader(304)
		case "/204":
			w.WriteHeader(204)
		}
	}))
	client := f.client(t)
	resp, err := client.Head("http://" + siteName + "/head")
	if err != nil || resp.ContentLength != 12345 {
		t.Errorf("HEAD: %v %v", resp, err)
	}
	_ = resp.Body.Close()
	for path, status := range map[string]int{"/304": 304, "/204": 204} {
		resp, err := client.Get("http://" + siteName + path)
		if err != nil || resp.StatusCode != status || len(resp.Header.Values("Content-Type")) != 0 {
			t.Fatalf("%s: %+v %v", path, resp, err)
		}
		readAll(t, resp)
	}
}

// Both directions move in lock step: a buffer anywhere between would stop them for ever.
func TestBodiesStreamInBothDirections(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		c := nethttp.NewResponseController(w)
		_ = c.EnableFullDuplex()
		w.Header().Set("Content-Type", "text/plain")
		_ = c.Flush()
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, "echo "+line)
			_ = c.Flush()
		}
	}))
	pr, pw := io.Pipe()
	req, _ := nethttp.NewRequestWithContext(t.Context(), "POST", "http://"+siteName+"/", pr)
	resp, err := f.client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	br := bufio.NewReader(resp.Body)
	for i := range 5 {
		fmt.Fprintf(pw, "line %d\n", i)
		got, err := br.ReadString('\n')
		if want := fmt.Sprintf("echo line %d\n", i); got != want || err != nil {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	}
	_ = pw.Close()
	if _, err := br.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("end: %v", err)
	}
}

func TestLargeBodiesArriveWhole(t *testing.T) {
	const size = 5 << 20
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Got", fmt.Sprint(n, r.ContentLength))
		_, _ = io.Copy(w, io.LimitReader(zeros{}, size))
	}))
	req, _ := nethttp.NewRequestWithContext(t.Context(), "PUT", "http://"+siteName+"/", io.LimitReader(zeros{}, size))
	req.ContentLength = size
	resp, err := f.client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := resp.Header.Get("X-Got"), fmt.Sprint(size, size); got != want {
		t.Errorf("server got %s, want %s", got, want)
	}
	if n := len(readAll(t, resp)); n != size {
		t.Errorf("client got %d", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestResponseTrailersPass(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Sum", "42")
	}))
	resp, err := f.client(t).Get("http://" + siteName + "/")
	if err != nil {
		t.Fatal(err)
	}
	if body := readAll(t, resp); body != "body" || resp.Trailer.Get("X-Sum") != "42" {
		t.Errorf("body %q, trailer %v", body, resp.Trailer)
	}
}

func TestExpectContinueIsDecidedByTheServer(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(nethttp.StatusExpectationFailed)
			return
		}
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
	}))
	for path, want := range map[string]string{"/yes": "HTTP/1.1 100", "/no": "HTTP/1.1 417"} {
		c := f.dial(t)
		fmt.Fprintf(c, "POST http://%s%s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", siteName, path)
		br := bufio.NewReader(c)
		line, err := br.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, want) {
			t.Fatalf("%s: %q, %v", path, line, err)
		}
		if path == "/no" {
			continue
		}
		_, _ = br.ReadString('\n')
		_, _ = io.WriteString(c, "body")
		resp, err := nethttp.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, resp); got != "body" {
			t.Errorf("got %q", got)
		}
	}
}

// raw is a site that is not net/http.
func raw(t *testing.T, f *fixture, serve func(c net.Conn, br *bufio.Reader)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	f.route(siteName, l.Addr().String())
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			serve(c, bufio.NewReader(c))
			_ = c.Close()
		}
	}()
}

func (f *fixture) route(host, address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.network.address[host] = address
}

func TestTruncatedResponseIsNotPassedOffAsWhole(t *testing.T) {
	for name, head := range map[string]string{
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf",
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil)
			raw(t, f, func(c net.Conn, br *bufio.Reader) {
				_, _ = nethttp.ReadRequest(br)
				_, _ = io.WriteString(c, head)
			})
			resp, err := f.client(t).Get("http://" + siteName + "/")
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if string(b) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %q, %v", b, err)
			}
		})
	}
}

func TestResponseWithoutLengthEndsWithItsConnection(t *testing.T) {
	f := start(t, nil)
	raw(t, f, func(c net.Conn, br *bufio.Reader) {
		_, _ = nethttp.ReadRequest(br)
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\nold")
	})
	resp, err := f.client(t).Get("http://" + siteName + "/")
	if err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, resp); got != "old" || len(resp.Header.Values("Content-Type")) != 0 {
		t.Errorf("got %q, %v", got, resp.Header)
	}
}

func TestGarbageAndSilenceBecomePages(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing": "", "garbage": "SSH-2.0-x\r\n", "huge header": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 70<<10) + "\r\n\r\n",
		"unasked upgrade": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil)
			raw(t, f, func(c net.Conn, br *bufio.Reader) {
				_, _ = nethttp.ReadRequest(br)
				_, _ = io.WriteString(c, answer)
				_, _ = io.Copy(io.Discard, io.LimitReader(br, 1))
			})
			if answer == "" {
				raw(t, f, func(c net.Conn, br *bufio.Reader) { _, _ = nethttp.ReadRequest(br) })
			}
			resp, body := f.exchange(t, "GET http://"+siteName+"/ HTTP/1.1\r\nHost: x\r\n\r\n")
			if resp.StatusCode != 504 || !strings.Contains(body, "did not answer") {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
}

func TestSilentServerIsGivenUp(t *testing.T) {
	f := start(t, nil, func(c *httpproxy.Config) { c.Idle = 100 * time.Millisecond })
	raw(t, f, func(c net.Conn, br *bufio.Reader) { _, _ = io.Copy(io.Discard, br) })
	resp, _ := f.exchange(t, "GET http://"+siteName+"/ HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp.StatusCode != 504 {
		t.Errorf("status %d", resp.StatusCode)
	}
	if n := f.server.Stats().Failed["timeout"]; n != 1 {
		t.Errorf("%d timeouts counted", n)
	}
}

// Half of a body must not be taken for the next request.
func TestUnreadBodyEndsTheConnection(t *testing.T) {
	f := start(t, nil)
	c := f.dial(t)
	smuggled := "GET http://" + siteName + "/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	fmt.Fprintf(c, "POST http://clear.example/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n%s", smuggled)
	br := bufio.NewReader(c)
	resp, err := nethttp.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, resp)
	if resp.StatusCode != 403 || !resp.Close {
		t.Errorf("status %d, close %v", resp.StatusCode, resp.Close)
	}
	if rest, err := io.ReadAll(br); len(rest) > 0 {
		t.Errorf("rest %q, %v", rest, err)
	}
	if got := f.targets(); len(got) != 0 {
		t.Errorf("dialed %v", got)
	}
}

func TestHangUpCancelsTheDial(t *testing.T) {
	for name, request := range map[string]string{
		"GET":             "GET http://slow.i2p/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST":            "POST http://slow.i2p/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
		"unfinished POST": "POST http://slow.i2p/ HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nbody",
		"CONNECT":         "CONNECT slow.i2p:443 HTTP/1.1\r\nHost: slow.i2p:443\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil)
			gone := make(chan struct{})
			f.hang["slow.i2p"] = gone
			c := f.dial(t)
			_, _ = io.WriteString(c, request)
			<-f.dialing
			_ = c.Close()
			select {
			case <-gone:
			case <-time.After(10 * time.Second):
				t.Fatal("the dial goes on")
			}
		})
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		_ = nethttp.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	hang := make(chan struct{})
	f.hang["slow.i2p"] = hang
	_, _ = io.WriteString(f.dial(t), "GET http://slow.i2p/ HTTP/1.1\r\nHost: x\r\n\r\n")
	_, _ = io.WriteString(f.dial(t), "GET http://half")
	c := f.dial(t)
	_, _ = io.WriteString(c, "GET http://"+siteName+"/ HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := nethttp.ReadResponse(bufio.NewReader(c), nil); err != nil {
		t.Fatal(err)
	}
	tunnel := f.dial(t)
	_, _ = io.WriteString(tunnel, "CONNECT "+siteName+":1 HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := bufio.NewReader(tunnel).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := f.stop(); err != nil {
		t.Error(err)
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
	if n := f.server.Stats().Active; n != 0 {
		t.Errorf("%d connections active", n)
	}
}

// A site cannot make the browser ask for a password in the proxy's name.
func TestOnlyTheProxyAsksForProxyCredentials(t *testing.T) {
	f := start(t, nil)
	raw(t, f, func(c net.Conn, br *bufio.Reader) {
		_, _ = nethttp.ReadRequest(br)
		_, _ = io.WriteString(c, "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 2\r\n\r\nhi")
	})
	resp, err := f.client(t).Get("http://" + siteName + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != nethttp.StatusBadGateway || resp.Header.Get("Proxy-Authenticate") != "" || string(b) != "hi" {
		t.Errorf("%s %v %q", resp.Status, resp.Header, b)
	}
}
