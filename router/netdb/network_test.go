package netdb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
	"clove.i2p/router/peer"
)

const (
	testNetwork = 77
	linkDelay   = 20 * time.Millisecond
	tunnelDelay = 200 * time.Millisecond // one way through three hops
)

// A network is routers in one process: their DBs, joined by messengers that deliver after a delay. It runs in a
// synctest bubble, so that minutes cost nothing.
type network struct {
	t     *testing.T
	clock *clock.Clock
	rand  *rand.Rand
	nodes []*testRouter

	mu      sync.Mutex
	byHash  map[i2p.Hash]*testRouter
	tunnels map[endpoint]*client
	nextID  i2p.TunnelID
	flow    []string // what was sent, for the report of a failure
	sent    map[string]int
	lose    func(kind string) bool // drops a message if it says so
}

type endpoint struct {
	gateway i2p.Hash
	tunnel  i2p.TunnelID
}

// A testRouter is one router: the Messenger of its DB.
type testRouter struct {
	net  *network
	name string
	keys *i2p.RouterKeys
	self *i2p.RouterInfo // the first one
	db   *netdb.DB
	book *peer.Book
	dead bool
	slow time.Duration // its answers down tunnels take so much longer

	current atomic.Pointer[i2p.RouterInfo]

	sessions map[i2p.Hash]bool
}

func newNetwork(t *testing.T) *network {
	return &network{
		t: t, clock: clock.New(), rand: rand.New(rand.NewPCG(1, 2)), byHash: make(map[i2p.Hash]*testRouter),
		tunnels: make(map[endpoint]*client), sent: make(map[string]int),
	}
}

func (n *network) routerInfo(k *i2p.RouterKeys, i int, caps string) *i2p.RouterInfo {
	n.t.Helper()
	a, err := i2p.NewRouterAddress(3, "NTCP2", map[string]string{
		"host": fmt.Sprintf("198.18.%d.%d", i/250, i%250+1), "port": "4567", "v": "2",
		"s": i2p.EncodeBase64(make([]byte, 32)), "i": i2p.EncodeBase64(make([]byte, 16)),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	ri, err := i2p.NewRouterInfo(k, n.clock.Now(), []i2p.RouterAddress{a}, map[string]string{
		"netId": fmt.Sprint(testNetwork), "caps": caps, "router.version": "0.9.67",
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return ri
}

func (n *network) add(caps string, config func(*netdb.Config)) *testRouter {
	n.t.Helper()
	k, err := i2p.NewRouterKeys()
	if err != nil {
		n.t.Fatal(err)
	}
	i := len(n.nodes)
	r := &testRouter{
		net: n, name: fmt.Sprintf("r%d", i), keys: k, self: n.routerInfo(k, i, caps), sessions: make(map[i2p.Hash]bool),
	}
	r.current.Store(r.self)
	cfg := netdb.Config{NetworkID: testNetwork, Private: true}
	if config != nil {
		config(&cfg)
	}
	seed := uint64(i) + 1
	r.book = peer.New(peer.Config{Private: cfg.Private}, n.clock, rand.New(rand.NewPCG(seed, 1)))
	r.db, err = netdb.New(cfg, netdb.Deps{
		Clock: n.clock, Peers: r.book, Self: r.current.Load, Messenger: r,
		Rand: rand.New(rand.NewPCG(seed, 2)),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.nodes = append(n.nodes, r)
	n.byHash[r.self.Hash()] = r
	return r
}

// know gives r the RouterInfos of others, as a reseed does.
func (r *testRouter) know(others ...*testRouter) {
	for _, o := range others {
		if o == r {
			continue
		}
		if _, err := r.db.Add(o.self); err != nil {
			r.net.t.Fatal(err)
		}
	}
}

// kill makes a router silent.
func (r *testRouter) kill() {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	r.dead = true
}

// run runs the DBs of all routers until the returned function is called.
func (n *network) run() (stop func()) {
	ctx, cancel := context.WithCancel(n.t.Context())
	var wg sync.WaitGroup
	for _, r := range n.nodes {
		wg.Go(func() {
			if err := r.db.Run(ctx); err != nil {
				n.t.Error(err)
			}
		})
	}
	return func() { cancel(); wg.Wait(); synctest.Wait() }
}

func (n *network) record(from, to, msg string, through string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent[msg]++
	if len(n.flow) < 5000 {
		n.flow = append(n.flow, fmt.Sprintf("%s -> %s %s%s", from, to, msg, through))
	}
	return n.lose == nil || !n.lose(msg)
}

func (n *network) count(kind string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent[kind]
}

// report prints the last messages when the test failed.
func (n *network) report() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, line := range n.flow[max(0, len(n.flow)-60):] {
		n.t.Log(line)
	}
}

func parse(t *testing.T, msg []byte) (i2np.Header, []byte) {
	h, payload, err := i2np.ParseShort(msg)
	if err != nil {
		t.Fatal(err)
	}
	return h, append([]byte(nil), payload...)
}

// Direct implements netdb.Messenger. A session needs the RouterInfo of the peer, or one that the peer opened.
func (r *testRouter) Direct(to i2p.Hash, msg []byte) {
	n := r.net
	h, payload := parse(n.t, msg)
	n.mu.Lock()
	o, open := n.byHash[to], r.sessions[to]
	n.mu.Unlock()
	if o == nil {
		return
	}
	if !open && r.db.RouterInfo(to) == nil {
		n.record(r.name, o.name, "unknown", "")
		return
	}
	if !n.record(r.name, o.name, h.Type.String(), "") {
		return
	}
	time.AfterFunc(linkDelay, func() {
		n.mu.Lock()
		dead := o.dead || r.dead
		first := !o.sessions[r.self.Hash()]
		if !dead {
			o.sessions[r.self.Hash()], r.sessions[to] = true, true
		}
		n.mu.Unlock()
		if dead {
			r.book.Failed(to, context.DeadlineExceeded)
			return
		}
		if first {
			o.db.Offered(r.self.Hash(), r.self, false)
			r.book.Connected(to)
		}
		o.db.Handle(r.self.Hash(), h, payload)
	})
}

// ThroughTunnel implements netdb.Messenger; the router itself has no tunnels here.
func (r *testRouter) ThroughTunnel(*i2p.RouterInfo, []byte) error { return netdb.ErrNotReady }

// Reply implements netdb.Messenger.
func (r *testRouter) Reply(to netdb.ReplyTo, msg []byte) {
	if to.Tunnel == 0 {
		r.Direct(to.Gateway, msg)
		return
	}
	n := r.net
	h, payload := parse(n.t, msg)
	n.mu.Lock()
	c, delay := n.tunnels[endpoint{to.Gateway, to.Tunnel}], tunnelDelay+r.slow
	n.mu.Unlock()
	if c == nil || !n.record(r.name, c.name, h.Type.String(), " by tunnel") {
		return
	}
	time.AfterFunc(delay, func() {
		if h.Type != i2np.TypeDeliveryStatus && !c.opens(to) {
			n.t.Errorf("%s: reply to %s is not sealed with the key that it asked for", r.name, c.name)
		}
		c.view.Handle(h, payload)
	})
}

// A client is a destination at a router: the Messenger and the ReplyPath of its View.
type client struct {
	net   *network
	name  string
	home  *testRouter
	keys  *i2p.DestinationKeys
	view  *netdb.View
	ready bool

	mu    sync.Mutex
	reply map[[8]byte][32]byte
}

func (n *network) client(home *testRouter) *client {
	n.t.Helper()
	k, err := i2p.NewDestinationKeys(7) // Ed25519
	if err != nil {
		n.t.Fatal(err)
	}
	c := &client{net: n, name: "client of " + home.name, home: home, keys: k, ready: true, reply: make(map[[8]byte][32]byte)}
	c.view = home.db.NewView(c, c)
	return c
}

func (c *client) opens(to netdb.ReplyTo) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, ok := c.reply[to.Tag]
	delete(c.reply, to.Tag) // one-time
	return ok && to.Key != nil && *to.Key == key
}

// ReplyPath implements netdb.ReplyPath: any router is the gateway.
func (c *client) ReplyPath() (gateway i2p.Hash, tunnel i2p.TunnelID, key [32]byte, tag [8]byte, ok bool) {
	if !c.ready {
		return
	}
	n := c.net
	n.mu.Lock()
	n.nextID++
	tunnel = n.nextID
	gateway = n.nodes[n.rand.IntN(len(n.nodes))].self.Hash()
	for i := range key {
		key[i] = byte(n.rand.Uint32())
	}
	for i := range tag {
		tag[i] = byte(n.rand.Uint32())
	}
	n.tunnels[endpoint{gateway, tunnel}] = c
	n.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reply[tag] = key
	return gateway, tunnel, key, tag, true
}

// Direct implements netdb.Messenger: a client must never use it.
func (c *client) Direct(i2p.Hash, []byte) {
	c.net.t.Error("client sent directly: ties it to its router")
}

// Reply implements netdb.Messenger: a client must never use it.
func (c *client) Reply(netdb.ReplyTo, []byte) {
	c.net.t.Error("client answered: ties it to its router")
}

// ThroughTunnel implements netdb.Messenger: some router is the endpoint.
func (c *client) ThroughTunnel(to *i2p.RouterInfo, msg []byte) error {
	n := c.net
	h, payload := parse(n.t, msg)
	n.mu.Lock()
	o := n.byHash[to.Hash()]
	endpoint := n.nodes[n.rand.IntN(len(n.nodes))].self.Hash()
	n.mu.Unlock()
	if o == nil || !n.record(c.name, o.name, h.Type.String(), " by tunnel") {
		return nil
	}
	time.AfterFunc(tunnelDelay, func() {
		n.mu.Lock()
		dead := o.dead
		n.mu.Unlock()
		if !dead {
			o.db.Handle(endpoint, h, payload)
		}
	})
	return nil
}

func (c *client) hash() i2p.Hash { return c.keys.Destination.Hash() }

func (c *client) leaseSet() *i2p.LeaseSet2 {
	c.net.t.Helper()
	now := c.net.clock.Now()
	ls, err := i2p.NewLeaseSet2(c.keys, now, []i2p.Lease{
		{Gateway: c.home.self.Hash(), Tunnel: 1, End: now.Add(10 * time.Minute)},
	}, i2p.Mapping{})
	if err != nil {
		c.net.t.Fatal(err)
	}
	return ls
}

// bubble runs f in a synctest bubble that starts at noon UTC, so that the routing keys do not change in between.
func bubble(t *testing.T, f func(t *testing.T, n *network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12 * time.Hour)
		n := newNetwork(t)
		defer func() {
			if t.Failed() {
				n.report()
			}
		}()
		f(t, n)
	})
}

// leaseSetPublished is what another view finds.
func (c *client) leaseSetPublished(t *testing.T) i2p.LeaseSet {
	t.Helper()
	o := c.net.client(c.net.nodes[0])
	ls, err := o.view.Lookup(t.Context(), c.hash())
	if err != nil {
		t.Fatal(err)
	}
	return ls
}
