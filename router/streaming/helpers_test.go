package streaming_test

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/streaming"
	"clove.i2p/tests/simnet"
)

// destinations are made once: the tests need no secrets.
var destinations = sync.OnceValue(func() (out []*i2p.DestinationKeys) {
	for range 4 {
		k, err := i2p.NewDestinationKeys(keys.SigEd25519)
		if err != nil {
			panic(err)
		}
		out = append(out, k)
	}
	return out
})

// world is two stacks on a network, inside a synctest bubble.
type world struct {
	t      *testing.T
	net    *simnet.Network
	a, b   *streaming.Stack
	sa, sb *simnet.Station
	ka, kb *i2p.DestinationKeys
	ctx    context.Context
	end    func()
}

// newWorld runs two stacks with the same link in both directions. The bubble ends after w.end.
func newWorld(t *testing.T, link simnet.Link) *world {
	t.Helper()
	return newWorldOf(t, link, streaming.DefaultConfig(), streaming.DefaultConfig())
}

func newWorldOf(t *testing.T, link simnet.Link, ca, cb streaming.Config) *world {
	t.Helper()
	w := &world{t: t, net: simnet.New(1), ka: destinations()[0], kb: destinations()[1]}
	ctx, cancel := context.WithCancel(t.Context())
	w.ctx = ctx
	var running sync.WaitGroup
	running.Go(func() { w.net.Run(ctx) })
	stack := func(k *i2p.DestinationKeys, cfg streaming.Config) (*streaming.Stack, *simnet.Station) {
		st := w.net.Join(k.Destination.Hash(), link)
		s, err := streaming.New(cfg, k, st, clock.New(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		st.Attach(s)
		running.Go(func() { s.Run(ctx) })
		return s, st
	}
	w.a, w.sa = stack(w.ka, ca)
	w.b, w.sb = stack(w.kb, cb)
	w.end = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		if n := buf.InUse(); n != 0 { // counted under the build tag bufcheck
			t.Errorf("%d buffers were not released", n)
		}
	})
	t.Cleanup(w.end)
	return w
}

// connect opens a stream from a to b.
func (w *world) connect() (a, b *streaming.Conn) {
	w.t.Helper()
	l, err := w.b.Listen(0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	return w.connectTo(l)
}

func (w *world) connectTo(l *streaming.Listener) (a, b *streaming.Conn) {
	w.t.Helper()
	a, err := w.a.Dial(w.ctx, w.kb.Destination, 80)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err = l.AcceptStream()
	if err != nil {
		w.t.Fatal(err)
	}
	return a, b
}

// pattern is n bytes that depend on their place.
func pattern(n int) []byte {
	b := make([]byte, n)
	rnd := rand.NewChaCha8([32]byte{7})
	rnd.Read(b)
	return b
}

// readAll reads until EOF with a bound on the time.
func readAll(t *testing.T, c net.Conn) []byte {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Minute))
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("read: %v after %d bytes", err, len(b))
	}
	return b
}
