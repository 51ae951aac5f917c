package testnet

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/cryptotest"
	"time"

	"clove.i2p/router"
	"clove.i2p/router/buf"
	"clove.i2p/tests/simnet"
)

// NetworkID of the networks of this package.
const NetworkID = 99

// Config of a Network.
type Config struct {
	// Routers in all, of which the first Floodfills are floodfills.
	Routers, Floodfills int
	// Seeds is how many other routers each knows at first, one of them a floodfill at least; 0 is all of them.
	Seeds int
	// Hops of the exploratory tunnels; 0 is 2, and -1 none.
	Hops int
	// Delay of each link between two routers, one way.
	Delay time.Duration
	// Seed of all that can be drawn from one.
	Seed uint64
	// UDP makes SSU2 the only transport, over an Internet of simulated UDP. Behind, if set, gives the NAT that a router is
	// behind, or nil; its External is set here.
	UDP    bool
	Behind func(i int) *simnet.NATOptions
	// MTU of the links with UDP, which no router knows of: longer packets vanish. 0 is none.
	MTU int
	// Tune, if set, may change the configuration of a router.
	Tune func(i int, c *router.Config)
}

// A Network of routers that run.
type Network struct {
	Nodes []*Node
	// Internet is nil without Config.UDP.
	Internet *simnet.Internet

	t    *testing.T
	lan  *lan
	logs *ring
	rand *rand.Rand
	bufs int64

	outsiders int
}

// A Node is one router of a Network.
type Node struct {
	*router.Router
	Index int
	// Host is where the router is with Config.UDP, NAT the box before it, if there is one.
	Host *simnet.Host
	NAT  *simnet.NAT

	network *Network
	host    *host
	cfg     router.Config
	cancel  context.CancelFunc
	ended   chan struct{}
	err     error

	mu           sync.Mutex
	destinations []*router.Destination
}

// New brings a network up. It must be called in a bubble, and closes the network at the end of it.
func New(t *testing.T, cfg Config) *Network {
	t.Helper()
	cryptotest.SetGlobalRandom(t, cfg.Seed)
	n := &Network{t: t, lan: newLAN(cfg.Delay), logs: newRing(), rand: rand.New(rand.NewPCG(cfg.Seed, 2)), bufs: buf.InUse()}
	if cfg.UDP {
		n.Internet = simnet.NewInternet(cfg.Seed)
	}
	t.Cleanup(n.close)
	for i := range cfg.Routers {
		n.add(i, cfg)
	}
	for i, node := range n.Nodes {
		for _, j := range n.seeds(i, cfg) {
			if _, err := node.DB().Add(n.Nodes[j].RouterInfo()); err != nil {
				t.Fatalf("seed of router %d: %v", i, err)
			}
		}
	}
	for _, node := range n.Nodes {
		node.start()
	}
	return n
}

func (n *Network) add(i int, cfg Config) {
	n.t.Helper()
	addr := netip.AddrFrom4([4]byte{10, 99, byte(i >> 8), byte(i)})
	node := &Node{Index: i, network: n, host: n.lan.host(addr)}
	node.cfg = router.Config{
		NetworkID: NetworkID, AllowPrivate: true, Floodfill: i < cfg.Floodfills,
		NTCP2:       router.Endpoint{Listen: netip.AddrPortFrom(addr, 4567).String()},
		Exploratory: router.Tunnels{Length: cfg.Hops},
		Sockets:     router.Sockets{Listen: node.host.Listen, Dial: node.host.Dial},
	}
	if cfg.UDP {
		n.overUDP(node, addr, cfg)
	}
	if node.cfg.Exploratory.Length == 0 {
		node.cfg.Exploratory.Length = 2
	}
	if cfg.Tune != nil {
		cfg.Tune(i, &node.cfg)
	}
	node.make()
	n.Nodes = append(n.Nodes, node)
}

func (n *Node) make() {
	n.network.t.Helper()
	r, err := router.New(n.cfg, slog.New(n.network.logs.handler(n.Index)))
	if err != nil {
		n.network.t.Fatalf("router %d: %v", n.Index, err)
	}
	n.Router = r
}

func (n *Node) start() {
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.ended = cancel, make(chan struct{})
	go func() {
		defer close(n.ended)
		n.err = n.Router.Run(ctx)
	}()
}

// seeds draws the routers that router i knows at first.
func (n *Network) seeds(i int, cfg Config) []int {
	perm := n.rand.Perm(len(n.Nodes))
	if cfg.Seeds == 0 {
		cfg.Seeds = len(n.Nodes) - 1
	}
	var out []int
	floodfill := false
	for _, j := range perm {
		if j == i {
			continue
		}
		floodfill = floodfill || j < cfg.Floodfills
		if last := len(out) == cfg.Seeds-1; last && !floodfill && i+cfg.Floodfills > 1 {
			continue
		}
		if out = append(out, j); len(out) == cfg.Seeds {
			break
		}
	}
	return out
}

// WaitReady waits until every router has tunnels.
func (n *Network) WaitReady(limit time.Duration) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), limit)
	defer cancel()
	for i, node := range n.Nodes {
		if err := node.Ready(ctx); err != nil {
			n.t.Fatalf("router %d: %v", i, err)
		}
	}
}

// Open hosts a destination.
func (n *Node) Open(cfg router.DestinationConfig) *router.Destination {
	n.network.t.Helper()
	ctx, cancel := context.WithTimeout(n.network.t.Context(), time.Minute)
	defer cancel()
	if err := n.WaitRunning(ctx); err != nil {
		n.network.t.Fatalf("router %d: %v", n.Index, err)
	}
	d, err := n.Router.Open(cfg)
	if err != nil {
		n.network.t.Fatalf("router %d: open a destination: %v", n.Index, err)
	}
	n.mu.Lock()
	n.destinations = append(n.destinations, d)
	n.mu.Unlock()
	return d
}

// Stop ends a router in good order and waits for that.
func (n *Node) Stop() error {
	n.cancel()
	<-n.ended
	return n.err
}

// Restart starts a router that was stopped, with the same configuration.
func (n *Node) Restart() {
	n.network.t.Helper()
	n.make()
	n.start()
}

// Unplug cuts a router off without a word to anybody.
func (n *Node) Unplug() { n.network.lan.unplug(n.host.addr) }

func (n *Network) close() {
	if n.t.Failed() {
		n.report()
	}
	for _, node := range n.Nodes {
		if node.cancel == nil { // never started
			node.Close()
		} else {
			node.cancel()
		}
	}
	for i, node := range n.Nodes {
		if node.ended == nil {
			continue
		}
		began := time.Now()
		<-node.ended
		if node.err != nil {
			n.t.Errorf("router %d ended: %v", i, node.err)
		}
		if took := time.Since(began); took > stopLimit {
			n.t.Errorf("router %d took %v to end", i, took)
		}
	}
	if left := buf.InUse() - n.bufs; left != 0 {
		n.t.Errorf("%d buffers were not released", left)
	}
}

// stopLimit is how long the end of a router may take: clove promises 5 s for the whole program.
const stopLimit = 5 * time.Second

func (n *Node) String() string { return fmt.Sprintf("router %d", n.Index) }

// Outsider is the configuration of one more router, which the caller starts and ends: with an address of its own, and
// dir/seeds full of RouterInfos.
func (n *Network) Outsider(dir string) router.Config {
	n.t.Helper()
	seeds := filepath.Join(dir, "seeds")
	if err := os.MkdirAll(seeds, 0o700); err != nil {
		n.t.Fatal(err)
	}
	for i, node := range n.Nodes {
		if err := os.WriteFile(filepath.Join(seeds, fmt.Sprintf("routerInfo-%d.dat", i)), node.RouterInfo().Bytes(), 0o600); err != nil {
			n.t.Fatal(err)
		}
	}
	n.outsiders++
	addr := netip.AddrFrom4([4]byte{10, 98, 0, byte(n.outsiders)})
	h := n.lan.host(addr)
	return router.Config{
		DataDir: dir, NetworkID: NetworkID, AllowPrivate: true, NTCP2: router.Endpoint{Listen: netip.AddrPortFrom(addr, 4567).String()},
		Reseed: []string{seeds}, Sockets: router.Sockets{Listen: h.Listen, Dial: h.Dial},
	}
}
