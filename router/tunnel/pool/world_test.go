package pool

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/transit"
)

// latency of every link of a world.
const latency = 10 * time.Millisecond

// A world is a pool, in a synctest bubble, with hops around it whose part of tunnels is real: transit.Table. What the
// transport and the netDb do is played here.
type world struct {
	t     *testing.T
	clock *clock.Clock
	hops  []*hop
	by    map[i2p.Hash]*hop
	self  i2p.Hash
	table *Table
	pool  *Pool
	owner *owner
	rand  *rand.Rand

	ctx     context.Context
	running sync.WaitGroup
	mu      sync.Mutex // of hops and by, once all runs
	end     func()
}

// A hop is another router.
type hop struct {
	world  *world
	keys   *i2p.RouterKeys
	info   *i2p.RouterInfo
	hash   i2p.Hash
	table  *transit.Table
	keeper *garlic.Keeper
	silent atomic.Bool // it drops everything
	shun   atomic.Bool // Peers does not choose it
	builds atomic.Int32
}

// An owner has a keeper for one-time keys, like that of a destination.
type owner struct {
	world   *world
	keeper  *garlic.Keeper
	changed atomic.Int32
}

// newWorld starts a pool of this shape among n hops. It ends with the test.
func newWorld(t *testing.T, n int, cfg Config, fallback *Pool) *world {
	t.Helper()
	w := &world{
		t: t, clock: clock.New(), by: make(map[i2p.Hash]*hop), self: i2p.Hash{1, 2, 3}, table: NewTable(), rand: rand.New(rand.NewPCG(1, 2)),
	}
	for range n {
		w.add()
	}
	unused, err := keys.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := garlic.New(garlic.Config{Router: true}, unused)
	if err != nil {
		t.Fatal(err)
	}
	w.owner = &owner{world: w, keeper: keeper}
	w.pool, err = New(cfg, Deps{
		Self: w.self, Clock: w.clock, Peers: w, Sender: w, Table: w.table, Owner: w.owner, Fallback: fallback,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.ctx = ctx
	for _, h := range w.hops {
		w.running.Go(func() { h.table.Run(ctx) })
	}
	w.running.Go(func() { w.pool.Run(ctx) })
	w.end = sync.OnceFunc(func() { cancel(); w.running.Wait() })
	t.Cleanup(w.end)
	return w
}

func (w *world) add() {
	w.t.Helper()
	k, err := i2p.NewRouterKeys()
	if err != nil {
		w.t.Fatal(err)
	}
	info, err := i2p.NewRouterInfo(k, time.Now(), nil, map[string]string{"caps": "XR", "netId": "99", "router.version": "0.9.67"})
	if err != nil {
		w.t.Fatal(err)
	}
	limiter, err := bandwidth.New(bandwidth.Config{Share: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	h := &hop{world: w, keys: k, info: info, hash: info.Hash()}
	if h.keeper, err = garlic.New(garlic.Config{Router: true}, k.Encryption); err != nil {
		w.t.Fatal(err)
	}
	h.table, err = transit.New(transit.Config{PeerRate: 1000, PeerBurst: 1000}, transit.Deps{
		Clock: w.clock, Limiter: limiter, Keys: k, Sender: h, Local: h, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hops = append(w.hops, h)
	w.by[h.hash] = h
}

// Hops is of Peers.
func (w *world) Hops(_ Direction, n int) (out []*i2p.RouterInfo, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range w.rand.Perm(len(w.hops)) {
		if h := w.hops[i]; !h.shun.Load() && len(out) < n {
			out = append(out, h.info)
		}
	}
	if len(out) < n {
		return nil, errors.New("too few hops")
	}
	return out, nil
}

func (w *world) Replied(i2p.Hash, byte)  {}
func (w *world) TimedOut([]i2p.Hash)     {}
func (w *world) Tested([]i2p.Hash, bool) {}

// Send is of Sender: what our router sends.
func (w *world) Send(to i2p.Hash, msgs ...*buf.Buf) { w.send(w.self, to, msgs) }

func (h *hop) Send(to i2p.Hash, msgs ...*buf.Buf) { h.world.send(h.hash, to, msgs) }

// Inject and Reserved are of transit.Local.
func (h *hop) Inject(b *buf.Buf)          { h.message(h.hash, b) }
func (h *hop) Reserved(i2p.TunnelID) bool { return false }

func (w *world) hop(at i2p.Hash) *hop {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.by[at]
}

func (w *world) send(from, to i2p.Hash, msgs []*buf.Buf) {
	if h := w.hop(from); w.ctx.Err() != nil || h != nil && h.silent.Load() {
		release(msgs)
		return
	}
	batch := append([]*buf.Buf(nil), msgs...)
	time.AfterFunc(latency, func() {
		if h := w.hop(to); h != nil {
			h.receive(from, batch)
		} else {
			w.receive(from, batch)
		}
	})
}

func release(msgs []*buf.Buf) {
	for _, m := range msgs {
		m.Release()
	}
}

func (h *hop) receive(from i2p.Hash, msgs []*buf.Buf) {
	if h.silent.Load() || h.world.ctx.Err() != nil {
		release(msgs)
		return
	}
	for _, m := range h.table.DataBatch(from, msgs) {
		h.message(from, m)
	}
}

func (h *hop) message(from i2p.Hash, m *buf.Buf) {
	head, payload, err := i2np.ParseShort(m.Bytes())
	switch {
	case err != nil:
	case head.Type == i2np.TypeShortTunnelBuild || head.Type == i2np.TypeVariableTunnelBuild:
		h.builds.Add(1)
		h.table.Build(from, m)
		return
	case head.Type == i2np.TypeGarlic:
		h.keeper.Open(payload[4:], h.world.clock.Now(), func(c garlic.Clove) { h.message(from, buf.From(c.Message)) })
	}
	m.Release()
}

// receive is what inbound.go does.
func (w *world) receive(from i2p.Hash, msgs []*buf.Buf) {
	for _, m := range msgs {
		head, payload, err := i2np.ParseShort(m.Bytes())
		if err != nil {
			w.t.Error(err)
		}
		switch head.Type {
		case i2np.TypeTunnelData, i2np.TypeTunnelGateway:
			id, _ := tunnelID(payload)
			t, ok := w.table.Inbound(id)
			switch {
			case !ok:
			case head.Type == i2np.TypeTunnelData:
				t.Receive([]*buf.Buf{m}, w.clock.Now())
			default:
				if _, err := tunnel.UnwrapGateway(m); err == nil {
					t.ReceiveGateway(m)
					continue
				}
			}
		default:
			w.table.Reply(head.ID, payload, Way{Router: from})
		}
		m.Release()
	}
}

func tunnelID(payload []byte) (i2p.TunnelID, bool) {
	if len(payload) < 4 {
		return 0, false
	}
	return i2p.TunnelID(payload[0])<<24 | i2p.TunnelID(payload[1])<<16 | i2p.TunnelID(payload[2])<<8 | i2p.TunnelID(payload[3]), true
}

func (o *owner) Received(t *Tunnel, msgs []Delivered) {
	for _, m := range msgs {
		head, payload, err := i2np.ParseShort(m.Message.Bytes())
		switch {
		case err != nil:
		case head.Type == i2np.TypeGarlic:
			o.keeper.Open(payload[4:], o.world.clock.Now(), func(c garlic.Clove) { o.message(t, c.Header, c.Body) })
		default:
			o.message(t, head, payload)
		}
		m.Message.Release()
	}
}

func (o *owner) message(t *Tunnel, h i2np.Header, payload []byte) {
	if h.Type == i2np.TypeDeliveryStatus {
		if s, err := i2np.ParseDeliveryStatus(payload); err == nil {
			o.world.pool.TestReply(s.MessageID, time.Now())
		}
		return
	}
	o.world.table.Reply(h.ID, payload, Way{Tunnel: t})
}

func (o *owner) AddOneTime(tag [8]byte, key [32]byte, expires time.Time) {
	o.keeper.AddOneTime(tag, key, expires)
}

func (o *owner) TunnelsChanged() { o.changed.Add(1) }

// count of the tunnels that are alive, by direction.
func (w *world) count() (n [2]int) {
	for _, t := range w.pool.Tunnels() {
		n[t.Direction]++
	}
	return n
}

func (w *world) waitReady(limit time.Duration) {
	w.t.Helper()
	for start := time.Now(); !w.pool.Ready(); time.Sleep(100 * time.Millisecond) {
		if time.Since(start) > limit {
			w.t.Fatalf("no tunnels after %v: %+v", limit, w.pool.Stats())
		}
	}
}

func both(length, quantity int) Config {
	s := Shape{Length: length, Quantity: quantity}
	return Config{Inbound: s, Outbound: s}
}
