package transit_test

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/build"
	"clove.i2p/router/tunnel/transit"
)

// A network is routers that reach each other at once. Who is no router of it is a stranger: what he gets is kept.
type network struct {
	t     testing.TB
	clock *clock.Clock

	mu    sync.Mutex
	nodes map[i2p.Hash]*node
	mail  map[i2p.Hash][][]byte
	sends int
}

type node struct {
	net      *network
	keys     *i2p.RouterKeys
	hash     i2p.Hash
	table    *transit.Table
	limiter  *bandwidth.Limiter
	reserved i2p.TunnelID
	injected [][]byte
}

func newNetwork(t testing.TB) *network {
	return &network{t: t, clock: clock.New(), nodes: map[i2p.Hash]*node{}, mail: map[i2p.Hash][][]byte{}}
}

var limits = bandwidth.Config{Inbound: 1e9, Outbound: 1e9, Share: 100}

// node adds a router.
func (n *network) node(cfg transit.Config, bw bandwidth.Config) *node {
	n.t.Helper()
	keys, err := i2p.NewRouterKeys()
	if err != nil {
		n.t.Fatal(err)
	}
	limiter, err := bandwidth.New(bw)
	if err != nil {
		n.t.Fatal(err)
	}
	r := &node{net: n, keys: keys, hash: keys.Identity.Hash(), limiter: limiter}
	r.table, err = transit.New(cfg, transit.Deps{
		Clock: n.clock, Limiter: limiter, Keys: keys, Sender: r, Local: r, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes[r.hash] = r
	return r
}

// run starts the tables in a synctest bubble until the test ends.
func (n *network) run() {
	for _, r := range n.nodes {
		go r.table.Run(n.t.Context())
	}
}

// Send is transit.Sender.
func (r *node) Send(to i2p.Hash, msgs ...*buf.Buf) {
	r.net.mu.Lock()
	r.net.sends++
	r.net.mu.Unlock()
	r.net.send(r.hash, to, msgs...)
}

func (n *network) send(from, to i2p.Hash, msgs ...*buf.Buf) {
	n.mu.Lock()
	r := n.nodes[to]
	n.mu.Unlock()
	if r == nil {
		for _, b := range msgs {
			n.post(to, b)
		}
		return
	}
	r.receive(from, msgs)
}

func (n *network) post(to i2p.Hash, b *buf.Buf) {
	n.mu.Lock()
	n.mail[to] = append(n.mail[to], bytes.Clone(b.Bytes()))
	n.mu.Unlock()
	b.Release()
}

// receive is what a router's inbound.go does.
func (r *node) receive(from i2p.Hash, msgs []*buf.Buf) {
	for _, b := range r.table.DataBatch(from, append([]*buf.Buf(nil), msgs...)) {
		switch i2np.Type(b.Bytes()[0]) {
		case i2np.TypeShortTunnelBuild, i2np.TypeVariableTunnelBuild:
			r.table.Build(from, b)
		default:
			r.Inject(b)
		}
	}
}

// Inject is transit.Local.
func (r *node) Inject(b *buf.Buf) {
	r.net.mu.Lock()
	r.injected = append(r.injected, bytes.Clone(b.Bytes()))
	r.net.mu.Unlock()
	b.Release()
}

// Reserved is transit.Local.
func (r *node) Reserved(id i2p.TunnelID) bool { return id != 0 && id == r.reserved }

// letters takes what a stranger got.
func (n *network) letters(who i2p.Hash) [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.mail[who]
	delete(n.mail, who)
	return m
}

func (n *network) letter(who i2p.Hash) []byte {
	n.t.Helper()
	m := n.letters(who)
	if len(m) != 1 {
		n.t.Fatalf("%d messages instead of 1", len(m))
	}
	return m[0]
}

// The creator of tunnels, and another one that gets messages.
var creator, stranger = i2p.Hash{1}, i2p.Hash{2}

// plan is a path with ids 100, 101, ... to the creator's tunnel 4711.
func plan(long, inbound bool, path ...*node) build.Plan {
	p := build.Plan{ReplyMessage: 99, Long: long}
	for i, r := range path {
		h := build.Hop{Router: r.hash, Static: r.keys.Encryption.Public(), ReceiveTunnel: i2p.TunnelID(100 + i), Next: creator, NextTunnel: 4711}
		if i+1 < len(path) {
			h.Next, h.NextTunnel = path[i+1].hash, i2p.TunnelID(101+i)
		}
		if inbound && i == 0 {
			h.Role = build.InboundGateway
		}
		if !inbound && i+1 == len(path) {
			h.Role = build.OutboundEndpoint
		}
		p.Hops = append(p.Hops, h)
	}
	return p
}

// request sends a build message to the first hop.
func (n *network) request(p build.Plan) *build.Pending {
	n.t.Helper()
	pending, err := build.New(p, n.clock.Now())
	if err != nil {
		n.t.Fatal(err)
	}
	n.send(creator, p.Hops[0].Router, buf.From(n.requestMessage(pending, n.clock.Now())))
	return pending
}

func (n *network) requestMessage(p *build.Pending, now time.Time) []byte {
	return append(i2np.NewHeader(p.Type(), now).AppendShort(nil), p.Message()...)
}

// verdicts reads the reply that the creator got.
func (n *network) verdicts(p *build.Pending, inbound bool) []byte {
	n.t.Helper()
	synctest.Wait()
	msg := n.letter(creator)
	if !inbound {
		msg = n.unwrap(msg)
		if key, tag, ok := p.ReplyGarlic(); ok {
			h, payload, err := i2np.ParseShort(msg)
			if err != nil || h.Type != i2np.TypeGarlic {
				n.t.Fatalf("%v, %v", h.Type, err)
			}
			g, err := i2np.ParseGarlic(payload)
			if err != nil || !bytes.Equal(g.Data[:8], tag[:]) {
				n.t.Fatalf("tag %x, %v", g.Data[:8], err)
			}
			err = garlic.OpenOneTime(key, g.Data, n.clock.Now(), func(c garlic.Clove) { msg = bytes.Clone(c.Message) })
			if err != nil {
				n.t.Fatal(err)
			}
		}
	}
	h, payload, err := i2np.ParseShort(msg)
	if err != nil || h.ID != 99 || h.Expired(n.clock.Now()) {
		n.t.Fatalf("%+v, %v", h, err)
	}
	want := map[bool]i2np.Type{false: i2np.TypeOutboundTunnelBuildReply, true: p.Type()}[inbound]
	if p.Type() == i2np.TypeVariableTunnelBuild && !inbound {
		want = i2np.TypeVariableTunnelBuildReply
	}
	if h.Type != want {
		n.t.Fatalf("reply is %v, want %v", h.Type, want)
	}
	v, err := p.Reply(payload)
	if err != nil {
		n.t.Fatal(err)
	}
	return v
}

// unwrap takes a message out of TunnelGateway for 4711.
func (n *network) unwrap(msg []byte) []byte {
	n.t.Helper()
	b := buf.From(msg)
	defer b.Release()
	if id, err := tunnel.UnwrapGateway(b); err != nil || id != 4711 {
		n.t.Fatalf("tunnel %d, %v", id, err)
	}
	return bytes.Clone(b.Bytes())
}

func garlicMessage(now time.Time, n int) []byte {
	h := i2np.NewHeader(0, now)
	h.Expiration = h.Expiration.Truncate(time.Second)
	return i2np.Encode(h, i2np.Garlic{Data: bytes.Repeat([]byte{'g'}, n)})
}
