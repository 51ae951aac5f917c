package nat_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

// A kind is what stands between a router and the network.
type kind int

const (
	open kind = iota
	fullCone
	restricted     // lets in from IP addresses that were sent to
	portRestricted // from addresses and ports
	symmetric      // likewise, and has another port for each destination
	firewalled     // as portRestricted, without translation
	deaf           // lets in what belongs to sessions only: not even answers to other packets
)

var kinds = []kind{open, fullCone, restricted, portRestricted, symmetric, firewalled}

func (k kind) String() string {
	return [...]string{"open", "full cone", "restricted", "port-restricted", "symmetric", "firewalled", "deaf"}[k]
}

// A box is a NAT: mappings never end.
type box struct {
	kind kind
	addr netip.AddrPort // of the router, or that of the one mapping
	hand netip.AddrPort // forwarded by hand, if valid
	next uint16
	maps map[netip.AddrPort]netip.AddrPort // symmetric: by destination
	sent map[netip.AddrPort]bool
}

// out is the address that a packet to dst leaves with.
func (b *box) out(dst netip.AddrPort) netip.AddrPort {
	b.sent[dst] = true
	if b.kind != symmetric {
		return b.addr
	}
	a, ok := b.maps[dst]
	if !ok {
		b.next++
		a = netip.AddrPortFrom(b.addr.Addr(), b.next)
		b.maps[dst] = a
	}
	return a
}

// in reports whether a packet gets through.
func (b *box) in(src, dst netip.AddrPort) bool {
	if dst == b.hand {
		return true
	}
	switch b.kind {
	case open, fullCone:
		return dst == b.addr
	case restricted:
		for a := range b.sent {
			if a.Addr() == src.Addr() {
				return dst == b.addr
			}
		}
		return false
	case portRestricted, firewalled:
		return dst == b.addr && b.sent[src]
	case symmetric:
		a, ok := b.maps[src]
		return ok && a == dst
	}
	return false
}

// A node is a router with an engine; it is the engine's Host.
type node struct {
	w        *world
	name     string
	keys     *i2p.RouterKeys
	ri       *i2p.RouterInfo
	key      [32]byte
	box      *box
	engine   *nat.Engine
	sessions map[i2p.Hash]nat.Session
	known    map[i2p.Hash]*i2p.RouterInfo
	sentTo   map[netip.Addr]bool
	own      netip.AddrPort
	fixed    bool
	banned   map[i2p.Hash]bool
	full     bool // introduces nobody
	offset   time.Duration

	tests    []nat.TestResult
	relays   []nat.RelayResult
	searches int // of all sessions, for an address
	owns     int // likewise, for where they see us
	pings    int
	kept     map[i2p.Hash]int
	outside  []nat.Outside
	inside   []string // blocks sent, for messages of failed tests

	handshake *handshake
	token     wire.Token
	met       map[i2p.Hash]bool // routers that a SessionRequest came from, or whose answer came
}

type event struct {
	at  time.Time
	seq int
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// A world is a network of nodes and its time.
type world struct {
	t     testing.TB
	now   time.Time
	seq   int
	queue events
	nodes map[i2p.Hash]*node
	rand  *rand.ChaCha8
	// lose decides about each message by what it is; nil loses nothing. An in-session message that is lost never comes: its session hangs.
	lose func(message string) bool
	// swap delays in-session messages of these.
	delay func(message string) time.Duration
	trace []string
	// private: the engines allow private addresses.
	private bool
}

const latency = 50 * time.Millisecond

func newWorld(t testing.TB) *world {
	return &world{t: t, now: time.Unix(1_700_000_000, 0), nodes: map[i2p.Hash]*node{}, rand: rand.NewChaCha8([32]byte{1})}
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, event{w.now.Add(d), w.seq, do})
}

// run lets d pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		next := end
		if len(w.queue) > 0 && w.queue[0].at.Before(next) {
			next = w.queue[0].at
		}
		var ticking *node
		for _, n := range w.nodes {
			if dl := n.engine.Deadline(); !dl.IsZero() && dl.Before(next) {
				next, ticking = dl, n
			}
		}
		if next.After(w.now) {
			w.now = next
		}
		switch {
		case ticking != nil:
			ticking.engine.Tick(w.now)
			if dl := ticking.engine.Deadline(); !dl.IsZero() && !dl.After(w.now) {
				w.t.Fatalf("%s: Deadline is not after Tick", ticking.name)
			}
		case len(w.queue) > 0 && !w.queue[0].at.After(end):
			heap.Pop(&w.queue).(event).do()
		default:
			return
		}
	}
}

// add makes a router at an IP address behind a box of a kind. caps are those of its published address; "" publishes no host.
func (w *world) add(name, ip string, k kind, caps string) *node {
	keys := w.nextKeys()
	addr := netip.AddrPortFrom(netip.MustParseAddr(ip), 12345)
	if k != open && k != firewalled && k != deaf {
		addr = netip.AddrPortFrom(addr.Addr(), 23456)
	}
	n := &node{
		w: w, name: name, keys: keys, sessions: map[i2p.Hash]nat.Session{}, known: map[i2p.Hash]*i2p.RouterInfo{},
		sentTo: map[netip.Addr]bool{}, banned: map[i2p.Hash]bool{}, kept: map[i2p.Hash]int{}, met: map[i2p.Hash]bool{},
		box: &box{kind: k, addr: addr, next: 30000, maps: map[netip.AddrPort]netip.AddrPort{}, sent: map[netip.AddrPort]bool{}},
		own: netip.AddrPortFrom(addr.Addr(), 12345),
	}
	w.rand.Read(n.key[:])
	options := map[string]string{"i": i2p.EncodeBase64(n.key[:]), "s": i2p.EncodeBase64(n.key[:]), "v": "2"}
	if caps != "" {
		options["host"], options["port"], options["caps"] = addr.Addr().String(), fmt.Sprint(addr.Port()), caps
	} else {
		options["caps"] = map[bool]string{true: "4", false: "6"}[addr.Addr().Is4()]
	}
	a, err := i2p.NewRouterAddress(10, "SSU2", options)
	if err != nil {
		w.t.Fatal(err)
	}
	if n.ri, err = i2p.NewRouterInfo(keys, w.now, []i2p.RouterAddress{a}, map[string]string{"netId": "5", "caps": "LR", "router.version": "0.9.67"}); err != nil {
		w.t.Fatal(err)
	}
	if n.engine, err = nat.New(nat.Config{Self: n.hash(), Signing: keys.Signing, Rand: w.rand, AllowPrivate: w.private, Offset: func() time.Duration { return n.offset }}, n); err != nil {
		w.t.Fatal(err)
	}
	w.nodes[n.hash()] = n
	return n
}

// identities are made once: worlds differ by what happens in them.
var identities struct {
	sync.Mutex
	keys []*i2p.RouterKeys
}

func (w *world) nextKeys() *i2p.RouterKeys {
	identities.Lock()
	defer identities.Unlock()
	n := len(w.nodes)
	for len(identities.keys) <= n {
		k, err := i2p.NewRouterKeys()
		if err != nil {
			w.t.Fatal(err)
		}
		identities.keys = append(identities.keys, k)
	}
	return identities.keys[n]
}

func (n *node) hash() i2p.Hash { return n.keys.Identity.Hash() }

// connect opens a session from a to b, whose published address lets a in; both learn each other's RouterInfo.
func (w *world) connect(a, b *node) {
	from := a.box.out(b.box.addr)
	to := b.box.out(from)
	if b.box.kind != symmetric {
		to = b.box.addr
	}
	a.sessions[b.hash()] = nat.Session{Router: b.hash(), Remote: to, Seen: from, Outbound: true, Since: w.now}
	b.sessions[a.hash()] = nat.Session{Router: a.hash(), Remote: from, Seen: to, Since: w.now}
	a.known[b.hash()], b.known[a.hash()] = b.ri, a.ri
	a.sentTo[to.Addr()], b.sentTo[from.Addr()] = true, true
}

func (w *world) disconnect(a, b *node) {
	delete(a.sessions, b.hash())
	delete(b.sessions, a.hash())
	a.engine.SessionClosed(w.now, b.hash())
	b.engine.SessionClosed(w.now, a.hash())
}

func (w *world) log(format string, args ...any) {
	w.trace = append(w.trace, w.now.Format("04:05.000 ")+fmt.Sprintf(format, args...))
}

// Host.

func (n *node) Session(router i2p.Hash) (nat.Session, bool) {
	s, ok := n.sessions[router]
	return s, ok
}

func (n *node) Sessions(yield func(nat.Session) bool) {
	for _, s := range n.sessions {
		if !yield(s) {
			return
		}
	}
}

func (n *node) RouterInfo(router i2p.Hash) *i2p.RouterInfo { return n.known[router] }
func (n *node) Contacted(a netip.AddrPort, anyPort bool) bool {
	n.searches++
	if !anyPort {
		return n.box.sent[a]
	}
	return n.sentTo[a.Addr()]
}
func (n *node) Banned(router i2p.Hash) bool           { return n.banned[router] }
func (n *node) Supports(f nat.Family) bool            { return f == nat.FamilyOf(n.own.Addr()) }
func (n *node) Own(nat.Family) (netip.AddrPort, bool) { n.owns++; return n.own, n.fixed }
func (n *node) Bound(nat.Family) uint16               { return 12345 }
func (n *node) Introduces(nat.Family) bool            { return !n.full }
func (n *node) Token(netip.AddrPort) wire.Token {
	n.token = wire.Token(n.w.rand.Uint64())
	return n.token
}
func (n *node) Ping(i2p.Hash)        { n.pings++ }
func (n *node) Keep(router i2p.Hash) { n.kept[router]++ }
func (n *node) TestDone(r nat.TestResult) {
	n.tests = append(n.tests, r)
	n.w.log("%s: %+v", n.name, r)
}
func (n *node) SendRouterInfo(to i2p.Hash, ri *i2p.RouterInfo) {
	n.deliver(to, "RouterInfo", func(p *node) {
		p.known[ri.Hash()] = ri
		p.engine.HandleRouterInfo(n.w.now, ri.Hash())
	})
}

func (n *node) SendBlocks(to i2p.Hash, blocks []byte) bool {
	if _, ok := n.sessions[to]; !ok {
		return false
	}
	b, err := wire.ParseBlocks(append([]byte(nil), blocks...))
	if err != nil {
		n.w.t.Fatalf("%s sends what does not parse: %v", n.name, err)
	}
	for b.Next() {
		t, body := b.Type, b.Body
		name := t.String()
		if t == wire.BlockPeerTest {
			name = fmt.Sprint("test ", body[0])
		}
		n.inside = append(n.inside, fmt.Sprintf("%s %x", name, body))
		n.deliver(to, name, func(p *node) { p.engine.HandleBlock(n.w.now, n.hash(), t, body) })
	}
	return true
}

// deliver brings something over a session.
func (n *node) deliver(to i2p.Hash, name string, do func(*node)) {
	w := n.w
	p := w.nodes[to]
	if _, ok := n.sessions[to]; !ok || p == nil {
		return
	}
	w.log("%s -> %s: %s", n.name, p.name, name)
	if w.lose != nil && w.lose(name) {
		return
	}
	d := latency
	if w.delay != nil {
		d += w.delay(name)
	}
	w.after(d, func() {
		if _, ok := p.sessions[n.hash()]; ok {
			do(p)
		}
	})
}

func (n *node) SendOutside(o nat.Outside) {
	o.Blocks = append([]byte(nil), o.Blocks...)
	n.outside = append(n.outside, o)
	name := o.Type.String()
	if o.Type == wire.PeerTestPacket {
		b, _ := wire.ParseBlocks(o.Blocks)
		for b.Next() {
			if b.Type == wire.BlockPeerTest {
				name = fmt.Sprint("test ", b.Body[0])
			}
		}
	}
	n.sentTo[o.To.Addr()] = true
	n.send(name, o.To, func(p *node, from netip.AddrPort) {
		if o.IntroKey == p.key {
			payload := append(wire.AppendDateTime(nil, n.w.now.Add(n.offset)), o.Blocks...)
			p.engine.HandleOutside(n.w.now, from, wire.Header{Type: o.Type, DestID: o.DestID, SrcID: o.SrcID}, wire.AppendPadding(payload, 5))
		}
	})
}

// send brings a packet through both boxes.
func (n *node) send(name string, to netip.AddrPort, do func(*node, netip.AddrPort)) {
	w := n.w
	from := n.box.out(to)
	w.log("%s %v -> %v: %s", n.name, from, to, name)
	if w.lose != nil && w.lose(name) {
		return
	}
	w.after(latency, func() {
		for _, p := range w.nodes {
			if p.box.addr.Addr() == to.Addr() && p.box.in(from, to) {
				do(p, from)
			}
		}
	})
}

// A handshake stands for the one that follows a relay.
type handshake struct {
	to      netip.AddrPort
	token   wire.Token
	charlie i2p.Hash
	left    int
}

func (n *node) RelayDone(r nat.RelayResult) {
	n.relays = append(n.relays, r)
	n.w.log("%s: %+v", n.name, r)
	if r.Err != nil {
		return
	}
	if r.Moved {
		n.handshake.to = r.Address
		return
	}
	n.handshake = &handshake{to: r.Address, token: r.Token, charlie: r.Charlie, left: 6}
	n.w.after(0, n.request)
}

func (n *node) request() {
	h := n.handshake
	if h.left == 0 || n.met[h.charlie] {
		return
	}
	h.left--
	n.sentTo[h.to.Addr()] = true
	n.send("SessionRequest", h.to, func(p *node, from netip.AddrPort) {
		if p.hash() != h.charlie || p.token != h.token {
			return
		}
		p.met[n.hash()] = true
		p.send("SessionCreated", from, func(q *node, _ netip.AddrPort) {
			if q == n {
				n.met[h.charlie] = true
			}
		})
	})
	n.w.after(time.Second, n.request)
}

// fail prints the flow of messages.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf(format, args...)
	for _, l := range w.trace {
		w.t.Log(l)
	}
}
