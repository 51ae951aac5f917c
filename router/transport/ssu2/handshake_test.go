package ssu2

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

// lossy is a path with some delay that loses a share of the packets.
func lossy(share float64) simnet.Path {
	return simnet.Path{Link: simnet.Link{Delay: 40 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: share}}
}

// newHost puts a router on a host of its own with an address 11.0.x.y.
func newHost(t *testing.T, n *simnet.Internet, i int, path simnet.Path, change func(*Config, *Deps)) (*router, *simnet.Host) {
	t.Helper()
	at := netip.AddrFrom4([4]byte{11, 0, byte(i >> 8), byte(i)})
	h := n.Host(fmt.Sprint("host", i), at)
	h.SetPath(path, simnet.Path{})
	r := newRouter(t, func(c *Config, d *Deps) {
		on(h, netip.AddrPortFrom(at, 9000).String())(c, d)
		if change != nil {
			change(c, d)
		}
	})
	return r, h
}

func TestHandshakesUnderLoss(t *testing.T) {
	for _, share := range []float64{0, 0.3} {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.NewInternet(7)
				quiet := func(_ *Config, d *Deps) { d.Logger = nil }
				b, _ := newHost(t, n, 1, lossy(share), quiet)
				b.serve()
				const dials = 100
				took := make([]time.Duration, dials)
				var dialling sync.WaitGroup
				for i := range dials {
					a, _ := newHost(t, n, 100+i, lossy(share), quiet)
					a.serve()
					dialling.Go(func() {
						start := time.Now()
						s, err := a.transport.Dial(t.Context(), b.self())
						if err != nil {
							t.Logf("dial %d: %v", i, err)
							return
						}
						// Established is what the other side holds for it: a message arrives.
						s.Send([]*buf.Buf{message(uint32(i+1), 10, byte(i))})
						for s.Status().Queued > 0 && time.Since(start) < 20*time.Second {
							time.Sleep(10 * time.Millisecond)
						}
						took[i] = time.Since(start)
					})
				}
				dialling.Wait()
				good := 0
				for _, d := range took {
					if d > 0 && d <= 15*time.Second {
						good++
					}
				}
				slices.Sort(took)
				t.Logf("loss %v: %d of %d within 15 s; median %v, 90 %% %v, worst %v", share, good, dials, took[dials/2], took[dials*9/10], took[dials-1])
				if good < 99 || len(b.messages) < 99 {
					t.Errorf("%d of %d within 15 s, %d messages", good, dials, len(b.messages))
				}
			})
		})
	}
}

func TestCrossedOpens(t *testing.T) {
	for i, share := range []float64{0, 0, 0.1, 0.3} {
		synctest.Test(t, func(t *testing.T) {
			n := simnet.NewInternet(uint64(i))
			a, _ := newHost(t, n, 1, lossy(share), nil)
			b, _ := newHost(t, n, 2, lossy(share), nil)
			a.serve()
			b.serve()
			var both sync.WaitGroup
			sessions := make([]transport.Session, 2)
			for i, d := range [][2]*router{{a, b}, {b, a}} {
				both.Go(func() {
					var err error
					if sessions[i], err = d[0].transport.Dial(t.Context(), d[1].self()); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			if t.Failed() {
				return
			}
			for i, s := range sessions {
				s.Send([]*buf.Buf{message(uint32(i+1), 100, byte(i))})
			}
			receive(t, a.messages)
			receive(t, b.messages)
		})
	}
}

func TestTokensSaveTheRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		open := func() time.Duration {
			start := time.Now()
			ours, _ := a.dial(b)
			d := time.Since(start)
			time.Sleep(time.Second)
			ours.Close(transport.ReasonNormal)
			receive(t, a.closed)
			receive(t, b.closed)
			return d
		}
		first, second := open(), open()
		if got := b.transport.Stats().Retries; got != 1 || second > first*2/3 {
			t.Errorf("%d retries; first dial %v, second %v", got, first, second)
		}
		if third := open(); third > first*2/3 {
			t.Errorf("third dial %v: no new token", third)
		}
		// The peer has forgotten: it restarts.
		m := b.running().mint
		m.mu.Lock()
		m.given = tokenTable{}
		m.mu.Unlock()
		open()
		if got := b.transport.Stats().Retries; got != 2 {
			t.Errorf("%d retries after a restart", got)
		}
		// And what is too old is not even tried.
		time.Sleep(newTokenLife + time.Minute)
		a.sign(nil)
		open()
		if got := b.transport.Stats().Retries; got != 3 {
			t.Errorf("%d retries after the token's life", got)
		}
	})
}

func TestClockSkewIsRefusedBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		a.clock.SetOffset(2 * time.Minute)
		if _, err := a.transport.Dial(t.Context(), b.self()); !errors.Is(err, transport.ErrClockSkew) {
			t.Errorf("dial with a wrong clock: %v", err)
		}
		a.clock.SetOffset(30 * time.Second)
		if _, err := a.transport.Dial(t.Context(), b.self()); err != nil {
			t.Errorf("dial with a tolerable clock: %v", err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.skews) != 1 || a.skews[0] > -29*time.Second || a.skews[0] < -31*time.Second {
			t.Errorf("reported skews %v", a.skews)
		}
	})
}

func TestRefusalsTellTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		var banned atomic.Bool
		b, _ := newHost(t, n, 2, lossy(0), func(_ *Config, d *Deps) { d.Banned = func(i2p.Hash) bool { return banned.Load() } })
		a.serve()
		b.serve()
		b.refuse = true
		for _, reason := range []transport.Reason{transport.ReasonLimits, transport.ReasonBanned} {
			banned.Store(reason == transport.ReasonBanned)
			if _, err := a.transport.Dial(t.Context(), b.self()); err != nil {
				t.Fatal(err)
			}
			if err := receive(t, a.closed); !terminatedBy(err, reason) {
				t.Errorf("closed: %v", err)
			}
		}
		b.refuse = false
		old := a.self()
		time.Sleep(2 * time.Hour)
		b.sign(nil)
		if a.self() != old {
			t.Fatal("signed anew")
		}
		if _, err := a.transport.Dial(t.Context(), b.self()); err != nil {
			t.Fatal(err)
		}
		if err := receive(t, a.closed); !terminatedBy(err, transport.ReasonConfirmed) {
			t.Errorf("closed with an old RouterInfo: %v", err)
		}
		if len(b.opened) != 0 || len(b.closed) != 0 {
			t.Error("the refused sessions were reported")
		}
		if got := b.running().table.size(); got != 2 && got != 1 {
			t.Errorf("%d entries linger", got)
		}
		time.Sleep(time.Minute)
		if got := b.running().table.size(); got != 0 {
			t.Errorf("%d entries are left", got)
		}
	})
}

func terminatedBy(err error, reason transport.Reason) bool {
	var t *transport.Terminated
	return errors.As(err, &t) && t.Reason == reason
}

// A tap records what a socket reads.
type tap struct {
	Socket
	mu  sync.Mutex
	got [][]byte
	src []netip.AddrPort
}

func (s *tap) Read(p []udp.Packet) (int, error) {
	n, err := s.Socket.Read(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range p[:n] {
		s.got, s.src = append(s.got, slices.Clone(q.Data)), append(s.src, q.From)
	}
	return n, err
}

// tapped lets a router record what it reads.
func tapped(to *tap) func(*Config, *Deps) {
	return func(_ *Config, d *Deps) {
		listen := d.Listen
		d.Listen = func(ctx context.Context, at netip.AddrPort) (s Socket, err error) {
			to.Socket, err = listen(ctx, at)
			return to, err
		}
	}
}

func TestReplayedRequestsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		var record tap
		a, _ := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), tapped(&record))
		a.serve()
		b.serve()
		ours, _ := a.dial(b)
		ours.Close(transport.ReasonNormal)
		receive(t, b.closed)
		time.Sleep(500 * time.Millisecond)
		s := b.running()
		for s.table.size() > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		r := &reader{l: s.links[0]}
		for i, p := range record.got {
			r.batch([]udp.Packet{{Data: p, From: record.src[i]}}, time.Now())
		}
		time.Sleep(time.Second)
		st := b.transport.Stats()
		if st.Replays != 1 || st.Accepted != 1 || s.table.size() != 0 {
			t.Errorf("%+v, %d entries", st, s.table.size())
		}
		// Nor from another address: the token is of the first.
		r.batch([]udp.Packet{{Data: record.got[1], From: netip.MustParseAddrPort("11.0.0.9:9000")}}, time.Now())
		if st := b.transport.Stats(); st.Replays != 1 || s.table.size() != 0 {
			t.Errorf("from another address: %+v", st)
		}
	})
}

func TestLargeRouterInfoTakesFragments(t *testing.T) {
	for _, share := range []float64{0, 0.3} {
		synctest.Test(t, func(t *testing.T) {
			n := simnet.NewInternet(3)
			a, _ := newHost(t, n, 1, lossy(share), nil)
			b, _ := newHost(t, n, 2, lossy(share), nil)
			options := map[string]string{}
			for i := range 9 {
				k := NewIntroKey()
				options[fmt.Sprint("x", i)] = fmt.Sprintf("%x%x%x", k, NewIntroKey(), NewIntroKey())
			}
			a.sign(options)
			if size := len(a.self().Bytes()); size < 2000 || size > 3000 {
				t.Fatal("RouterInfo of", size)
			}
			a.serve()
			b.serve()
			a.dial(b)
			if ri := receive(t, b.infos); ri.Hash() != a.hash() {
				t.Fatal("another RouterInfo")
			}
		})
	}
}

func TestDialOfTheDeadEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil) // does not serve
		a.serve()
		start := time.Now()
		_, err := a.transport.Dial(t.Context(), b.self())
		if !errors.Is(err, errTimeout) || time.Since(start) != DefaultHandshakeTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.transport.Dial(ctx, b.self()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if s := a.running(); s.table.size() != 0 || len(s.table.byRemote) != 0 || len(s.table.dials) != 0 {
			t.Error("the dials are not forgotten")
		}
	})
}
