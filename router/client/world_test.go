package client

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
	"clove.i2p/router/peer"
	"clove.i2p/router/tunnel/pool"
	"clove.i2p/router/tunnel/transit"
)

// A hop is the one other router: all tunnels go through it. What our router sends goes to it, and what it sends to us.
type hop struct {
	keys  *i2p.RouterKeys
	info  *i2p.RouterInfo
	table *transit.Table // the hop's
	ours  *pool.Table
	self  i2p.Hash

	mu      sync.Mutex
	discard bool // what we send is released
	sent    int
	queue   chan []*buf.Buf
}

// newSession is a session of a new, unpublished destination; see serve.
func newSession(t testing.TB, shape pool.Shape) (*Session, *hop) {
	t.Helper()
	d, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, Config{Keys: d, Tunnels: pool.Config{Inbound: shape, Outbound: shape}})
}

// serve is a session that serves, with tunnels of one hop, until the test ends.
func serve(t testing.TB, cfg Config) (*Session, *hop) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	k, err := i2p.NewRouterKeys()
	must(err)
	h := &hop{keys: k, ours: pool.NewTable(), self: i2p.Hash{1, 2, 3}, queue: make(chan []*buf.Buf, 1024)}
	h.info, err = i2p.NewRouterInfo(k, time.Now(), nil, map[string]string{"caps": "XR", "netId": "99", "router.version": "0.9.67"})
	must(err)
	limiter, err := bandwidth.New(bandwidth.Config{Share: 100})
	must(err)
	clk, log := clock.New(), slog.New(slog.DiscardHandler)
	h.table, err = transit.New(transit.Config{PeerRate: 1000, PeerBurst: 1000}, transit.Deps{
		Clock: clk, Limiter: limiter, Keys: k, Sender: back{h}, Local: back{h}, Logger: log,
	})
	must(err)
	rnd := rand.New(rand.NewPCG(1, 1))
	db, err := netdb.New(netdb.Config{NetworkID: 99, Private: true}, netdb.Deps{
		Clock: clk, Peers: peer.New(peer.Config{Private: true}, clk, rnd), Self: func() *i2p.RouterInfo { return nil }, Rand: rnd,
	})
	must(err)
	s, err := New(cfg, Deps{
		Self: h.self, Clock: clk, DB: db, Table: h.ours, Peers: h, Sender: h, Log: log,
	})
	must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.table.Run(ctx) })
	running.Go(func() { h.carry(ctx, clk) })
	running.Go(func() { s.Serve(ctx, new(recorder)) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		db.Close()
	})
	ready, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	must(s.Ready(ready))
	return s, h
}

func (h *hop) Hops(_ pool.Direction, n int) ([]*i2p.RouterInfo, error) {
	return []*i2p.RouterInfo{h.info}[:n], nil
}
func (h *hop) Replied(i2p.Hash, byte)  {}
func (h *hop) TimedOut([]i2p.Hash)     {}
func (h *hop) Tested([]i2p.Hash, bool) {}

// Send is what our router sends.
func (h *hop) Send(_ i2p.Hash, msgs ...*buf.Buf) {
	h.mu.Lock()
	h.sent += len(msgs)
	discard := h.discard
	h.mu.Unlock()
	if discard {
		release(msgs)
		return
	}
	for _, m := range h.table.DataBatch(h.self, append([]*buf.Buf(nil), msgs...)) {
		switch i2np.Type(m.Bytes()[0]) {
		case i2np.TypeShortTunnelBuild:
			h.table.Build(h.self, m)
		default:
			m.Release()
		}
	}
}

func (h *hop) drop(on bool) {
	h.mu.Lock()
	h.discard = on
	h.mu.Unlock()
}

// back is the way from the hop to us.
type back struct{ *hop }

func (b back) Reserved(i2p.TunnelID) bool { return false }
func (b back) Inject(m *buf.Buf) {
	if i2np.Type(m.Bytes()[0]) == i2np.TypeShortTunnelBuild {
		b.table.Build(b.info.Hash(), m)
		return
	}
	for _, m := range b.table.DataBatch(b.info.Hash(), []*buf.Buf{m}) {
		m.Release()
	}
}

func (b back) Send(to i2p.Hash, msgs ...*buf.Buf) {
	if to == b.info.Hash() {
		for _, m := range msgs {
			b.Inject(m)
		}
		return
	}
	b.queue <- append([]*buf.Buf(nil), msgs...)
}

// carry is what inbound.go does with what comes from the hop.
func (h *hop) carry(ctx context.Context, clk *clock.Clock) {
	for {
		select {
		case <-ctx.Done():
			return
		case msgs := <-h.queue:
			for _, m := range msgs {
				head, payload, err := i2np.ParseShort(m.Bytes())
				switch {
				case err != nil:
				case head.Type == i2np.TypeTunnelData:
					if t, ok := h.ours.Inbound(i2p.TunnelID(binary.BigEndian.Uint32(payload))); ok {
						t.Receive([]*buf.Buf{m}, clk.Now())
					}
				default:
					h.ours.Reply(head.ID, payload, pool.Way{Router: h.info.Hash()})
				}
				m.Release()
			}
		}
	}
}

// farDestination is another destination, whose LeaseSet s knows.
func farDestination(t testing.TB, s *Session, leases ...i2p.Lease) *i2p.DestinationKeys {
	t.Helper()
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	if len(leases) == 0 {
		leases = []i2p.Lease{{Gateway: i2p.Hash{7}, Tunnel: 7, End: s.clock.Now().Add(9 * time.Minute)}}
	}
	ls, err := i2p.NewLeaseSet2(k, s.clock.Now(), leases, i2p.Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.remoteOf(ls.Hash(), s.clock.Now()).learn(ls) {
		t.Fatal("not learnt")
	}
	return k
}

// remoteHash is the one destination that s knows.
func remoteHash(s *Session) i2p.Hash {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h := range s.remotes {
		return h
	}
	return i2p.Hash{}
}
