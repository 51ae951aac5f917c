package relay_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/proxies/relay"
	"clove.i2p/tests/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

var limits = relay.Limits{Idle: time.Hour, Linger: time.Minute}

// inMemory is joined without sockets, for bubbles.
type inMemory struct {
	app, site      *proxytest.Half
	sent, received atomic.Uint64
	done           chan struct{}
}

func startInMemory(ctx context.Context) *inMemory {
	app, client := proxytest.Duplex()
	site, stream := proxytest.Duplex()
	r := &inMemory{app: app, site: site, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		relay.Join(ctx, client, stream, limits, &r.sent, &r.received)
	}()
	return r
}

func TestJoinPassesEndsOnByHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startInMemory(t.Context())
		go func() {
			_, _ = io.WriteString(r.app, "request")
			_ = r.app.CloseWrite()
		}()
		if got, err := io.ReadAll(r.site); string(got) != "request" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		go func() {
			_, _ = io.WriteString(r.site, "the answer")
			_ = r.site.CloseWrite()
		}()
		if got, err := io.ReadAll(r.app); string(got) != "the answer" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		<-r.done
		if r.sent.Load() != 7 || r.received.Load() != 10 {
			t.Errorf("%d, %d", r.sent.Load(), r.received.Load())
		}
	})
}

// The idle limit is for both directions together: one that moves keeps the other.
func TestIdleIsForBothDirections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startInMemory(t.Context())
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

// One that reads slowly is not idle: what it takes counts when it is taken.
func TestSlowReaderIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startInMemory(t.Context())
		go func() {
			for range 4 {
				_, _ = io.WriteString(r.app, strings.Repeat("x", 1000))
			}
			_ = r.app.CloseWrite()
		}()
		got := 0
		for {
			time.Sleep(40 * time.Minute)
			n, err := r.site.Read(make([]byte, 1000))
			if got += n; err != nil {
				break
			}
		}
		if got != 4000 {
			t.Errorf("%d of 4000 bytes", got)
		}
		_ = r.site.Close()
		<-r.done
	})
}

func TestLingerCountsFromTheFirstEndAndFromWhatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startInMemory(t.Context())
		time.Sleep(30 * time.Minute)
		_ = r.app.CloseWrite()
		_, _ = io.ReadAll(r.site)
		begin := time.Now()
		time.Sleep(50 * time.Second)
		go func() { _, _ = io.WriteString(r.site, "x") }()
		if _, err := r.app.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		<-r.done
		if d := time.Since(begin); d != 50*time.Second+time.Minute {
			t.Errorf("ended after %v", d)
		}
	})
}

func TestJoinEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := startInMemory(ctx)
		synctest.Wait()
		cancel()
		<-r.done
		if _, err := r.app.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

func TestBrokenClientEndsBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startInMemory(t.Context())
		_ = r.app.Close()
		go func() { _, _ = io.Copy(io.Discard, r.site) }()
		_, _ = io.WriteString(r.site, "to nobody")
		<-r.done
	})
}

// broken is a stream that fails in the middle.
type broken struct {
	net.Conn
	fail chan struct{}
}

func (b broken) Read(p []byte) (int, error) {
	<-b.fail
	return copy(p, "half"), errors.New("tunnel broke")
}

func TestBrokenStreamIsAResetForTheApplication(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		app, near := socketPair(t, network)
		far, _ := socketPair(t, "tcp")
		b := broken{Conn: far, fail: make(chan struct{})}
		var wg sync.WaitGroup
		wg.Go(func() { relay.Join(t.Context(), near, b, limits, new(atomic.Uint64), new(atomic.Uint64)) })
		close(b.fail)
		_ = app.SetReadDeadline(time.Now().Add(20 * time.Second))
		got, err := io.ReadAll(app)
		if network == "tcp" && !errors.Is(err, syscall.ECONNRESET) || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %q, %v", network, got, err) // a unix socket has no reset
		}
		wg.Wait()
	}
}

func TestBytesArriveWholeOverSockets(t *testing.T) {
	for _, pair := range [][2]string{{"tcp", "tcp"}, {"unix", "tcp"}, {"unix", "unix"}} {
		client, site, sent, received, done := joined(t, pair[0], pair[1], limits)
		const size = 4 << 20
		up, down := make([]byte, size), make([]byte, size)
		random := rand.NewChaCha8([32]byte{})
		_, _ = random.Read(up)
		_, _ = random.Read(down)
		send := func(c net.Conn, b []byte) {
			_, _ = io.Copy(c, bytes.NewReader(b))
			_ = relay.CloseWrite(c)
		}
		receive := func(c net.Conn, want []byte) {
			_ = c.SetReadDeadline(time.Now().Add(60 * time.Second))
			h := sha256.New()
			if n, err := io.Copy(h, c); n != size || err != nil || [32]byte(h.Sum(nil)) != sha256.Sum256(want) {
				t.Errorf("%v: %d bytes, %v, or other bytes", pair, n, err)
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { send(client, up) })
		wg.Go(func() { send(site, down) })
		wg.Go(func() { receive(site, up) })
		wg.Go(func() { receive(client, down) })
		wg.Wait()
		<-done
		if sent.Load() != size || received.Load() != size {
			t.Errorf("%v: %d, %d counted", pair, sent.Load(), received.Load())
		}
	}
}

func TestWhatCannotBeHalfClosedIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, client := proxytest.Duplex()
		site, stream := net.Pipe()
		go func() { _ = app.CloseWrite() }()
		relay.Join(t.Context(), client, stream, limits, new(atomic.Uint64), new(atomic.Uint64))
		if _, err := site.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

// A client that still sends gets the answer, not a reset, and no more is read than is worth it.
func TestDrain(t *testing.T) {
	app, near := socketPair(t, "tcp")
	if _, err := app.Write(make([]byte, 100<<10)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(near, "refused"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		relay.Drain(near)
	}()
	_ = app.SetReadDeadline(time.Now().Add(20 * time.Second))
	if got, err := io.ReadAll(app); string(got) != "refused" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	<-ended
	synctest.Test(t, func(t *testing.T) {
		app, near := proxytest.Duplex()
		begin := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				if _, err := app.Write([]byte("on and on")); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
		relay.Drain(near)
		if d := time.Since(begin); d != time.Second {
			t.Errorf("took %v", d)
		}
		wg.Wait()
	})
}

func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var barked atomic.Int64
		begin := time.Now()
		dog := relay.NewWatchdog(time.Minute, func() { barked.Store(int64(time.Since(begin))) })
		for range 5 {
			time.Sleep(59 * time.Second)
			dog.Touch()
		}
		dog.Shorten(time.Hour) // is no shortening
		time.Sleep(59 * time.Second)
		dog.Shorten(10 * time.Second)
		time.Sleep(11 * time.Second)
		if d := time.Duration(barked.Load()); d != 6*59*time.Second+10*time.Second {
			t.Errorf("barked after %v", d)
		}
		dog.Stop()

		quiet := relay.NewWatchdog(time.Minute, func() { t.Error("barked after Stop") })
		quiet.Stop()
		quiet.Shorten(time.Second)
		time.Sleep(time.Hour)
	})
}

func TestCopy(t *testing.T) {
	var b bytes.Buffer
	n, err := relay.Copy(&b, strings.NewReader(strings.Repeat("x", 100_000)))
	if n != 100_000 || err != nil || b.Len() != 100_000 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := relay.Copy(io.Discard, io.MultiReader(strings.NewReader("x"), errReader{})); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestMovingAllocatesNothing(t *testing.T) {
	client, site, _, _, _ := joined(t, "tcp", "unix", limits)
	b := make([]byte, 1000)
	if n := testing.AllocsPerRun(500, func() {
		if _, err := client.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(site, b); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}
