package datagram_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
)

// destinations are made once: the tests need no secrets.
var destinations = sync.OnceValue(func() (out []*i2p.DestinationKeys) {
	for range 3 {
		k, err := i2p.NewDestinationKeys(keys.SigEd25519)
		if err != nil {
			panic(err)
		}
		out = append(out, k)
	}
	return out
})

var errNoLeaseSet = errors.New("no lease set")

// lan carries packets between the stacks of a test, at once. A destination is known to all once it was reached; how long
// that takes and what becomes of it can be set.
type lan struct {
	mu      sync.Mutex
	stacks  map[i2p.Hash]*datagram.Stack
	ends    map[i2p.Hash]func()
	known   map[i2p.Hash]bool
	lookup  time.Duration
	reached int
	fresh   map[i2p.Hash]int // lookups because of silence
	refuse  error            // what Send returns
	lose    bool
	packets int // sent
}

func newLAN() *lan {
	return &lan{stacks: map[i2p.Hash]*datagram.Stack{}, ends: map[i2p.Hash]func(){}, known: map[i2p.Hash]bool{}, fresh: map[i2p.Hash]int{}}
}

// join runs a stack until the test ends. What all release is checked under the build tag bufcheck.
func (l *lan) join(t testing.TB, k *i2p.DestinationKeys) *datagram.Stack {
	t.Helper()
	s, err := datagram.New(k, l, clock.New(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.stacks[s.Hash()] = s
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	l.ends[s.Hash()] = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(func() {
		l.ends[s.Hash()]()
		delete(l.ends, s.Hash())
		if n := buf.InUse(); n != 0 && len(l.ends) == 0 {
			t.Errorf("%d buffers were not released", n)
		}
	})
	return s
}

func (l *lan) Known(to i2p.Hash) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[to]
}

func (l *lan) Reach(ctx context.Context, to i2p.Hash, fresh bool) error {
	l.mu.Lock()
	if fresh {
		l.fresh[to]++
		l.mu.Unlock()
		return nil
	}
	l.reached++
	pause, there := l.lookup, l.stacks[to] != nil
	l.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
	}
	if !there {
		return errNoLeaseSet
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[to] = true
	return nil
}

func (l *lan) Send(to i2p.Hash, k datagram.Kind, p datagram.Ports, b *buf.Buf) error {
	l.mu.Lock()
	l.packets++
	s, err, lose := l.stacks[to], l.refuse, l.lose
	l.mu.Unlock()
	if err != nil || s == nil || lose {
		b.Release()
		return err
	}
	s.Deliver(k, p, []*buf.Buf{b})
	return nil
}

func (l *lan) counts() (reached, packets int, fresh map[i2p.Hash]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reached, l.packets, maps.Clone(l.fresh)
}

// listen opens a Conn that the test closes.
func listen(t testing.TB, s *datagram.Stack, cfg datagram.ListenConfig) *datagram.Conn {
	t.Helper()
	c, err := s.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// read reads one packet with a bound on the time, which under synctest is virtual.
func read(t testing.TB, c *datagram.Conn) (datagram.Packet, string) {
	t.Helper()
	p := make([]byte, 1<<16)
	c.SetReadDeadline(time.Now().Add(time.Minute))
	k, err := c.ReadPacket(p)
	if err != nil {
		t.Fatal(err)
	}
	return k, string(p[:k.N])
}

// nothing fails the test if there is something to read.
func nothing(t testing.TB, c *datagram.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Second))
	if k, err := c.ReadPacket(nil); err == nil {
		t.Fatalf("read %+v", k)
	}
	c.SetReadDeadline(time.Time{})
}
