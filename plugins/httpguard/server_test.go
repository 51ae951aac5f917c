package httpguard_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/plugins/httpguard"
)

// pipes is a listener of net.Pipe connections.
type pipes struct {
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func newPipes() *pipes { return &pipes{ch: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.ch:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }
func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.ch <- far
	return near
}

func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %q %v", r.Method, r.URL.Path, b, err)
}

func refused(w http.ResponseWriter, _ *http.Request, r httpguard.Refusal) {
	http.Error(w, r.Why, r.Status)
}

func start(t *testing.T, h http.HandlerFunc, change func(*httpguard.Config)) (l *pipes, stop context.CancelFunc, ended chan error) {
	t.Helper()
	c := httpguard.Config{Limits: httpguard.Strangers(), Handler: h, Refused: refused}
	if change != nil {
		change(&c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l, ended = newPipes(), make(chan error, 1)
	go func() { ended <- httpguard.New(c).Serve(ctx, l) }()
	return l, cancel, ended
}

// answers reads all answers of a connection: "status body" each.
func answers(t *testing.T, c net.Conn) []string {
	t.Helper()
	var all []string
	for src := bufio.NewReader(c); ; {
		r, err := http.ReadResponse(src, nil)
		if err != nil {
			return all
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(r.StatusCode, " ", strings.TrimSpace(string(b))))
	}
}

func TestRequestsInTheirTurn(t *testing.T) {
	const post = "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
	for _, c := range []struct {
		name, send string
		want       []string
	}{
		{"keep-alive", "GET /a HTTP/1.1\r\nHost: a\r\n\r\n" + post + "PUT /c HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxyGET /d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
			[]string{`200 GET /a "" <nil>`, `200 POST /b "abcde" <nil>`, `200 PUT /c "xy" <nil>`, `200 GET /d "" <nil>`}},
		{"bad one after good ones", "GET /a HTTP/1.1\r\nHost: a\r\n\r\n" + post + "GET /c HTTP/1.1\r\nHost : a\r\n\r\n",
			[]string{`200 GET /a "" <nil>`, `200 POST /b "abcde" <nil>`, "400 A header line has no name and colon."}},
		{"smuggled", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
			[]string{"400 The length of the body is not clear."}},
		{"long address", "GET /" + strings.Repeat("x", 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n", []string{"414 The address is too long."}},
		{"many lines", "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 61) + "\r\n", []string{"431 The header has too many lines."}},
		{"large head", "GET / HTTP/1.1\r\n" + strings.Repeat("A: "+strings.Repeat("b", 6000)+"\r\n", 6) + "\r\n", []string{"431 The header is too large."}},
		{"marked by a stranger", "GET /a HTTP/1.1\r\nHost: a\r\nX-Clove-Refused: guess\r\nConnection: close\r\n\r\n", []string{`200 GET /a "" <nil>`}},
	} {
		for _, step := range []int{1, 7, 1 << 20} { // bytes at a time
			synctest.Test(t, func(t *testing.T) {
				l, stop, ended := start(t, echo, nil)
				conn := l.dial()
				go func() {
					for b := []byte(c.send); len(b) > 0; b = b[min(step, len(b)):] {
						if _, err := conn.Write(b[:min(step, len(b))]); err != nil {
							return
						}
					}
				}()
				if got := answers(t, conn); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
					t.Errorf("%s in steps of %d: %q, want %q", c.name, step, got, c.want)
				}
				conn.Close()
				l.Close()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				stop()
			})
		}
	}
}

func TestSlowHeads(t *testing.T) {
	for _, c := range []struct {
		name, first, second string
		pause               time.Duration // between both
		want                []string
		after               time.Duration // until the last answer is complete
	}{
		{"nothing", "", "", 0, []string{"408 The request did not arrive in time."}, 15 * time.Second},
		{"half a line", "GET /", "", 0, []string{"408 The request did not arrive in time."}, 15 * time.Second},
		{"one line", "GET / HTTP/1.1\r\n", "", 0, []string{"408 The request did not arrive in time."}, 30 * time.Second},
		{"slow but fine", "GET / HTTP/1.1\r\n", "Host: a\r\nConnection: close\r\n\r\n", 29 * time.Second, []string{`200 GET / "" <nil>`}, 29 * time.Second},
		{"second after a pause", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 119 * time.Second,
			[]string{`200 GET / "" <nil>`, `200 GET /2 "" <nil>`}, 119 * time.Second},
		{"second is slow", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /2", 115 * time.Second, []string{`200 GET / "" <nil>`, "408 The request did not arrive in time."}, 130 * time.Second},
		{"idle for too long", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", 0, []string{`200 GET / "" <nil>`}, 120 * time.Second},
		{"body that stalls", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc", "", 0, []string{`200 POST / "abc" read pipe: i/o timeout`}, 5 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, stop, ended := start(t, echo, nil)
			begin := time.Now()
			conn := l.dial()
			go func() {
				io.WriteString(conn, c.first)
				time.Sleep(c.pause)
				io.WriteString(conn, c.second)
			}()
			got := answers(t, conn)
			took := time.Since(begin)
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") || took < c.after || took > c.after+2*time.Second {
				t.Errorf("%s: %q after %v, want %q after %v", c.name, got, took, c.want, c.after)
			}
			conn.Close()
			l.Close()
			<-ended
			stop()
		})
	}
}

// A client that has sent all it has to say still gets its answer.
func TestHalfClosedClientGetsItsAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	cancelled := make(chan bool, 1)
	server := httpguard.New(httpguard.Config{Limits: httpguard.Strangers(), Refused: refused, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			cancelled <- true
		case <-time.After(300 * time.Millisecond):
			cancelled <- false
		}
		echo(w, r)
	})})
	go func() { ended <- server.Serve(ctx, l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
	conn.(*net.TCPConn).CloseWrite()
	if got := answers(t, conn); len(got) != 1 || got[0] != `200 GET /a "" <nil>` {
		t.Errorf("%q", got)
	}
	if <-cancelled {
		t.Error("the request was cancelled")
	}
	conn.Close()
	stop()
	l.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestUpgradePassesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop, ended := start(t, func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			io.Copy(conn, rw)
		}, nil)
		conn := l.dial()
		go io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nnot HTTP")
		src := bufio.NewReader(conn)
		if r, err := http.ReadResponse(src, nil); err != nil || r.StatusCode != 101 {
			t.Fatal(r, err)
		}
		b := make([]byte, 8)
		if _, err := io.ReadFull(src, b); err != nil || string(b) != "not HTTP" {
			t.Fatalf("%q %v", b, err)
		}
		time.Sleep(50 * time.Minute) // a quiet websocket
		go conn.Write(bytes.Repeat([]byte{0, 255}, 4))
		if _, err := io.ReadFull(src, b); err != nil || b[1] != 255 {
			t.Fatalf("%q %v", b, err)
		}
		conn.Close()
		l.Close()
		<-ended
		stop()
	})
}

func TestUpgradeThatIsRefusedEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop, ended := start(t, echo, nil)
		conn := l.dial()
		go io.WriteString(conn, "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nGET /b HTTP/1.1\r\nHost : unchecked\r\n\r\n")
		if got := answers(t, conn); len(got) != 1 || got[0] != `200 GET /a "" <nil>` {
			t.Errorf("%q", got)
		}
		conn.Close()
		l.Close()
		<-ended
		stop()
	})
}

func TestAdmitRefusesBeforeReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 0
		l, stop, ended := start(t, echo, func(c *httpguard.Config) {
			n := 0
			c.Admit = func(net.Conn) (func(), *httpguard.Refusal) {
				if n++; n > 1 {
					return nil, &httpguard.Refusal{Status: 429, Why: "Too many."}
				}
				return func() { left++ }, nil
			}
		})
		first, second := l.dial(), l.dial()
		if got := answers(t, second); len(got) != 1 || got[0] != "429 Too many." {
			t.Errorf("%q", got)
		}
		second.Close()
		go io.WriteString(first, "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if got := answers(t, first); len(got) != 1 || got[0] != `200 GET /a "" <nil>` {
			t.Errorf("%q", got)
		}
		first.Close()
		l.Close()
		<-ended
		stop()
		if left != 1 {
			t.Errorf("leave was called %d times", left)
		}
	})
}

func TestServeAnswersWhatIsOpenAndThenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop, ended := start(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Minute)
			echo(w, r)
		}, nil)
		idle, busy := l.dial(), l.dial()
		go io.WriteString(busy, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
		synctest.Wait()
		l.Close()
		if got := answers(t, busy); len(got) != 1 || got[0] != `200 GET /a "" <nil>` {
			t.Errorf("%q", got)
		}
		if got := answers(t, idle); len(got) != 0 {
			t.Errorf("%q", got)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		stop()
	})
}

func TestServeStopsAtOnceWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop, ended := start(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil)
		busy := l.dial()
		go io.WriteString(busy, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
		synctest.Wait()
		begin := time.Now()
		stop()
		l.Close()
		<-ended
		if d := time.Since(begin); d > time.Second {
			t.Errorf("took %v", d)
		}
		busy.Close()
	})
}
