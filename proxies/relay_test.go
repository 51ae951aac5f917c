package proxies_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/proxies/relay"
	"clove.i2p/tests/proxytest"
)

type relayed struct {
	app, site *proxytest.Half
	done      chan struct{}
	counters  proxies.Counters
}

func startRelay(ctx context.Context, early string) *relayed {
	app, client := proxytest.Duplex()
	site, stream := proxytest.Duplex()
	r := &relayed{app: app, site: site, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		limits := relay.Limits{Idle: time.Hour, Linger: time.Minute}
		proxies.Relay(ctx, proxies.NewClient(client, []byte(early)), stream, limits, &r.counters)
	}()
	return r
}

func TestRelayPassesEndsOnOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRelay(t.Context(), "early ")
		go func() {
			_, _ = io.WriteString(r.app, "request")
			_ = r.app.CloseWrite()
		}()
		got, err := io.ReadAll(r.site)
		if string(got) != "early request" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		go func() {
			_, _ = io.WriteString(r.site, "answer")
			_ = r.site.CloseWrite()
		}()
		got, err = io.ReadAll(r.app)
		if string(got) != "answer" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		<-r.done
		if s := r.counters.Snapshot(); s.Sent != 13 || s.Received != 6 {
			t.Errorf("%+v", s)
		}
	})
}

func TestRelayEndsWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRelay(t.Context(), "")
		begin := time.Now()
		for range 3 {
			time.Sleep(50 * time.Minute)
			go func() { _, _ = io.WriteString(r.site, "x") }()
			if _, err := r.app.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		<-r.done
		if d := time.Since(begin); d != 150*time.Minute+time.Hour {
			t.Errorf("ended after %v", d)
		}
	})
}

func TestRelayLingersAfterOneEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRelay(t.Context(), "")
		_ = r.app.CloseWrite()
		_, _ = io.ReadAll(r.site)
		begin := time.Now()
		<-r.done
		if d := time.Since(begin); d != time.Minute {
			t.Errorf("ended after %v", d)
		}
	})
}

func TestRelayEndsWithItsContextAndWithAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := startRelay(ctx, "")
		cancel()
		<-r.done
		r = startRelay(t.Context(), "")
		_ = r.app.Close()
		go func() { _, _ = io.Copy(io.Discard, r.site) }()
		_, _ = io.WriteString(r.site, "to nobody")
		<-r.done
	})
}

func TestRelayClosesWhatCannotBeHalfClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, client := proxytest.Duplex()
		site, stream := net.Pipe()
		go func() { _ = app.CloseWrite() }()
		proxies.Relay(t.Context(), client, stream, relay.Limits{Idle: time.Hour, Linger: time.Minute}, new(proxies.Counters))
		if _, err := site.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

func TestWatchKeepsWhatComesEarly(t *testing.T) {
	for _, tt := range []struct {
		name, send string
		end, gone  bool
	}{
		{"silence", "", false, false},
		{"data", "data", false, false},
		{"data and end", "data", true, false},
		{"end", "", true, true},
		{"more than is kept", strings.Repeat("x", 100<<10), false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				client := proxies.NewClient(far, nil)
				var gone atomic.Bool
				stop := client.Watch(func() { gone.Store(true) })
				go func() {
					_, _ = io.WriteString(near, tt.send)
					if tt.end {
						_ = near.Close()
					}
				}()
				synctest.Wait()
				stop()
				if gone.Load() != tt.gone {
					t.Errorf("gone %v", gone.Load())
				}
				got := make([]byte, len(tt.send))
				if _, err := io.ReadFull(client, got); string(got) != tt.send || err != nil {
					t.Errorf("got %d bytes, %v", len(got), err)
				}
				_ = near.Close()
				if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Error(err)
				}
				_ = far.Close()
			})
		})
	}
}

// failing is a listener that has errors before it has a connection.
type failing struct {
	errs int
	err  error
	conn net.Conn
	done chan struct{}
}

func (l *failing) Accept() (net.Conn, error) {
	if l.errs > 0 {
		l.errs--
		return nil, l.err
	}
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}
func (l *failing) Close() error   { close(l.done); return nil }
func (l *failing) Addr() net.Addr { return nil }

func TestListenerSurvivesErrorsAndBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		var counters proxies.Counters
		l := proxies.NewListener(&failing{errs: 10, err: syscall.EMFILE, conn: far, done: make(chan struct{})}, 1, &counters)
		begin := time.Now()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		// 5 ms, doubled up to one second.
		if d := time.Since(begin); d != (5+10+20+40+80+160+320+640+1000+1000)*time.Millisecond {
			t.Errorf("took %v", d)
		}
		ended := make(chan error)
		go func() {
			_, err := l.Accept() // full
			ended <- err
		}()
		synctest.Wait()
		_ = conn.Close()
		_ = conn.Close()
		synctest.Wait()
		if s := counters.Snapshot(); s.Active != 0 || s.Accepted != 1 || s.AcceptErrors != 10 {
			t.Errorf("%+v", s)
		}
		_ = l.Close()
		_ = l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}
