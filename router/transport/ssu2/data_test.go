package ssu2

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/transport"
	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

var transfers atomic.Uint64

// transfer sends n messages of random lengths and content, and waits until all have arrived unharmed.
func transfer(t *testing.T, s transport.Session, to *router, n, size int, during func(i int)) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, transfers.Add(1))) // no message id twice
	want := make(map[[32]byte]bool)
	for i := range n {
		m := message(r.Uint32(), 1+r.IntN(size), 0)
		body := m.Bytes()[minMessage:]
		for j := range body {
			body[j] = byte(r.Uint32())
		}
		want[sha256.Sum256(m.Bytes())] = true
		for s.Status().Queued > 50 {
			time.Sleep(5 * time.Millisecond)
		}
		if s.Send([]*buf.Buf{m}) != 1 {
			t.Fatalf("message %d was not taken", i)
		}
		if during != nil {
			during(i)
		}
	}
	for len(want) > 0 {
		got := receiveWithin(t, to.messages, 2*time.Minute)
		if i2np.Type(got[0]) == i2np.TypeDatabaseStore { // the RouterInfo of the other side
			continue
		}
		h := sha256.Sum256(got)
		if !want[h] {
			t.Fatalf("a message of %d bytes arrived that was not sent, or twice", len(got))
		}
		delete(want, h)
	}
}

func TestTransfersOverBadPaths(t *testing.T) {
	for name, path := range map[string]simnet.Path{
		"good":      lossy(0),
		"loss":      lossy(0.1),
		"corrupted": {Link: simnet.Link{Delay: 20 * time.Millisecond}, Corrupt: 0.01},
		"shuffled":  {Link: simnet.Link{Delay: 20 * time.Millisecond, Reorder: 0.2, ReorderBy: 30 * time.Millisecond, Duplicate: 0.1}},
		"narrow":    {Link: simnet.Link{Delay: 20 * time.Millisecond}, MTU: 1280, BlackHole: true},
		"all of it": {Link: simnet.Link{Delay: 20 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.03, Duplicate: 0.03}, Corrupt: 0.01, MTU: 1300},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.NewInternet(5)
				a, _ := newHost(t, n, 1, path, nil)
				b, _ := newHost(t, n, 2, path, nil)
				a.serve()
				b.serve()
				ours, theirs := a.dial(b)
				start := time.Now()
				transfer(t, ours, b, 300, 9000, nil)
				transfer(t, theirs, a, 50, 60000, nil)
				t.Logf("%v; %+v", time.Since(start), a.transport.Stats())
				if len(a.closed)+len(b.closed) > 0 {
					t.Error("a session ended")
				}
			})
		})
	}
}

func TestSilentPeerEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, ha := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		ours, _ := a.dial(b)
		time.Sleep(time.Second)
		ha.SetPath(simnet.Path{Link: simnet.Link{Loss: 1}}, simnet.Path{Link: simnet.Link{Loss: 1}})
		ours.Send([]*buf.Buf{message(1, 5000, 1)})
		start := time.Now()
		err := receiveWithin(t, a.closed, 5*time.Minute)
		t.Logf("closed after %v: %v", time.Since(start), err)
		if err == nil || time.Since(start) > time.Minute {
			t.Error("not ended in time")
		}
		if a.running().table.size() != 0 {
			t.Error("the connection id is not free")
		}
		// The peer lost its end, or did not notice: a new session works.
		ha.SetPath(lossy(0), simnet.Path{})
		again, _ := a.dial(b)
		transfer(t, again, b, 5, 3000, nil)
	})
}

func TestLostTerminationIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, ha := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		ours, _ := a.dial(b)
		time.Sleep(time.Second)
		ha.SetPath(simnet.Path{Link: simnet.Link{Loss: 1}}, simnet.Path{})
		ours.Close(transport.ReasonIdle)
		receive(t, a.closed)
		time.Sleep(lingerResend / 2)
		ha.SetPath(lossy(0), simnet.Path{})
		if err := receiveWithin(t, b.closed, lingerTime); !terminatedBy(err, transport.ReasonIdle) {
			t.Error(err)
		}
		time.Sleep(2 * lingerTime)
		if a.running().table.size()+b.running().table.size() != 0 {
			t.Error("connection ids are not free")
		}
	})
}

func TestSessionFollowsItsPeer(t *testing.T) {
	for name, other := range map[string]string{"another IP": "11.0.7.7", "another port": ""} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.NewInternet(2)
				b, _ := newHost(t, n, 2, lossy(0), nil)
				var a *router
				var move func()
				if other != "" {
					h := n.Host("mobile", netip.MustParseAddr("11.0.0.1"))
					h.SetPath(lossy(0), simnet.Path{})
					a = newRouter(t, on(h, "0.0.0.0:9000"))
					move = func() { h.Move(netip.MustParseAddr(other)) }
				} else {
					box := n.NAT("nat", simnet.NATOptions{External: netip.MustParseAddr("11.0.3.1")})
					h := box.Host("inside", netip.MustParseAddr("10.0.0.1"))
					h.SetPath(lossy(0), simnet.Path{})
					a = newRouter(t, on(h, "10.0.0.1:9000"))
					move = func() { box.Rebind() }
				}
				a.serve()
				b.serve()
				ours, theirs := a.dial(b)
				before := theirs.Status().Remote
				transfer(t, ours, b, 20, 5000, nil)
				transfer(t, ours, b, 200, 9000, func(i int) {
					if i == 100 {
						move()
					}
				})
				transfer(t, theirs, a, 20, 9000, nil)
				after := theirs.Status().Remote
				st := b.transport.Stats()
				if before == after || st.Migrated != 1 || len(a.closed)+len(b.closed) > 0 {
					t.Errorf("from %v to %v, %+v", before, after, st)
				}
			})
		})
	}
}

type thieving struct {
	socket *simnet.Socket
	to     netip.AddrPort
}

func (s *thieving) send(p []byte) {
	_ = s.socket.Write([]udp.Train{{To: s.to, Data: p, Segment: len(p)}})
}

// ahead lets a router's own packets arrive from another address first.
type aheadSocket struct {
	Socket
	thief  *thieving
	mu     sync.Mutex
	active bool
}

func (s *aheadSocket) Write(t []udp.Train) error {
	s.mu.Lock()
	active := s.active
	s.mu.Unlock()
	if active {
		for _, train := range t {
			for d := train.Data; len(d) > 0; {
				k := min(train.Segment, len(d))
				s.thief.send(bytes.Clone(d[:k]))
				d = d[k:]
			}
		}
	}
	return s.Socket.Write(t)
}

func TestForwardedPacketsDoNotKeepASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(2)
		thief := n.Host("thief", netip.MustParseAddr("11.0.9.9"))
		socket, err := thief.Listen(netip.MustParseAddrPort("11.0.9.9:1"), udp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		ahead := &aheadSocket{thief: &thieving{socket: socket, to: netip.MustParseAddrPort("11.0.0.2:9000")}}
		a, _ := newHost(t, n, 1, lossy(0), func(_ *Config, d *Deps) {
			listen := d.Listen
			d.Listen = func(ctx context.Context, at netip.AddrPort) (s Socket, err error) {
				ahead.Socket, err = listen(ctx, at)
				return ahead, err
			}
		})
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		ours, theirs := a.dial(b)
		remote := theirs.Status().Remote
		time.Sleep(3 * time.Second)
		ahead.mu.Lock()
		ahead.active = true
		ahead.mu.Unlock()
		start := time.Now()
		for time.Since(start) < 20*time.Second {
			transfer(t, ours, b, 5, 3000, nil)
			transfer(t, theirs, a, 5, 3000, nil)
			time.Sleep(100 * time.Millisecond)
		}
		ahead.mu.Lock()
		ahead.active = false
		ahead.mu.Unlock()
		transfer(t, theirs, a, 20, 3000, nil)
		if st := b.transport.Stats(); theirs.Status().Remote != remote || st.Migrated != 0 {
			t.Errorf("at %v, %+v", theirs.Status().Remote, st)
		}
	})
}

func TestCloseFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0.05), nil)
		b, _ := newHost(t, n, 2, lossy(0.05), nil)
		a.serve()
		b.serve()
		ours, _ := a.dial(b)
		var msgs []*buf.Buf
		for i := range 50 {
			msgs = append(msgs, message(uint32(i+1), 2000, byte(i)))
		}
		if took := ours.Send(msgs); took != 50 {
			t.Fatal(took)
		}
		ours.Close(transport.ReasonNormal)
		if took := ours.Send([]*buf.Buf{message(99, 10, 1)}); took != 0 {
			t.Error("a closing session takes messages")
		}
		if err := receive(t, a.closed); err != nil {
			t.Error(err)
		}
		receive(t, b.closed)
		if len(b.messages) != 50 {
			t.Errorf("%d messages arrived", len(b.messages))
		}
	})
}

func TestStopSaysGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		b, _ := newHost(t, n, 2, lossy(0), nil)
		a.serve()
		b.serve()
		ours, _ := a.dial(b)
		a.stop()
		if err := receive(t, a.closed); err != nil {
			t.Errorf("our end: %v", err)
		}
		if err := receive(t, b.closed); !terminatedBy(err, transport.ReasonShutdown) {
			t.Errorf("their end: %v", err)
		}
		if ours.Send([]*buf.Buf{message(1, 1, 1)}) != 0 {
			t.Error("taken")
		}
		if _, err := a.transport.Dial(t.Context(), b.self()); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("dial: %v", err)
		}
	})
}

// What is queued at the end still arrives, as its acks are read until then.
func TestStopFlushesWithAcks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		path := simnet.Path{Link: simnet.Link{Delay: 40 * time.Millisecond}}
		a, _ := newHost(t, n, 1, path, nil)
		b, _ := newHost(t, n, 2, path, nil)
		a.serve()
		b.serve()
		ours, _ := a.dial(b)
		time.Sleep(3 * time.Second)
		before := len(b.messages)
		const many = 200
		for i := range many {
			ours.Send([]*buf.Buf{message(uint32(i+1), 1000, 1)})
		}
		start := time.Now()
		a.stop()
		took := time.Since(start)
		time.Sleep(time.Second)
		if got := len(b.messages) - before; got != many || took >= shutdownFlush {
			t.Errorf("%d of %d messages arrived, stop took %v", got, many, took)
		}
		if err := receive(t, b.closed); !terminatedBy(err, transport.ReasonShutdown) {
			t.Error(err)
		}
	})
}
