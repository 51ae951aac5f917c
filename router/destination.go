package router

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"clove.i2p/router/buf"
	"clove.i2p/router/client"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
	"clove.i2p/router/naming"
	"clove.i2p/router/streaming"
)

// DestinationConfig of a destination to open.
type DestinationConfig struct {
	// Keys, or KeyFile, which is made if it is not there. Neither: new keys, gone with the destination.
	Keys    *i2p.DestinationKeys
	KeyFile string
	Tunnels Tunnels
	// Unpublished keeps the LeaseSet out of the netDb: for destinations that only dial.
	Unpublished bool
	// Carrier, if it is set, wraps what the streams send their packets with. It is for tests and experiments, which lose,
	// delay or count packets. The Carrier that it gets is a streaming.BatchCarrier and a streaming.Rerouter, too.
	Carrier func(streaming.Carrier) streaming.Carrier
}

// A Destination is hosted by a router: it has an address, tunnels, streams and datagrams. It is safe for concurrent use.
type Destination struct {
	router    *Router
	keys      *i2p.DestinationKeys
	session   *client.Session
	streams   *streaming.Stack
	datagrams *datagram.Stack
	names     *naming.Resolver
	cancel    context.CancelFunc
	ended     chan struct{}
}

// Open hosts a destination until it is closed or the router ends. It returns at once, before there are tunnels; see
// Ready.
func (r *Router) Open(cfg DestinationConfig) (*Destination, error) {
	k, err := cfg.keys()
	if err != nil {
		return nil, err
	}
	if k.Destination.Hash() == r.hash {
		return nil, fmt.Errorf("%w: %s", ErrOwnIdentity, cfg.KeyFile)
	}
	t := cfg.Tunnels.withDefaults(defaultLength, defaultQuantity)
	d := &Destination{router: r, keys: k, ended: make(chan struct{})}
	d.session, err = client.New(client.Config{Keys: k, Tunnels: t.pool(), Publish: !cfg.Unpublished}, client.Deps{
		Self: r.hash, Clock: r.clock, DB: r.db, Table: r.table, Peers: hops{r.book, r, true}, Sender: r.outbound,
		Exploratory: r.exploratory, Log: r.log,
	})
	if err != nil {
		return nil, fmt.Errorf("router: open destination: %w", err)
	}
	streams := streaming.DefaultConfig()
	streams.AnswerPings = !cfg.Unpublished // who only dials is not to be found
	var out streaming.Carrier = carrier{d.session}
	if cfg.Carrier != nil {
		out = cfg.Carrier(out)
	}
	if d.streams, err = streaming.New(streams, k, out, r.clock, r.log); err != nil {
		return nil, fmt.Errorf("router: open destination: %w", err)
	}
	if d.datagrams, err = datagram.New(k, datagramCarrier{carrier{d.session}}, r.clock, r.log); err != nil {
		return nil, fmt.Errorf("router: open destination: %w", err)
	}
	d.names = naming.New(r.hosts, d.session)
	return d, r.run(d)
}

func (c DestinationConfig) keys() (*i2p.DestinationKeys, error) {
	switch {
	case c.Keys != nil:
		return c.Keys, nil
	case c.KeyFile != "":
		return i2p.LoadOrCreateDestinationKeys(c.KeyFile, keys.SigEd25519)
	}
	return i2p.NewDestinationKeys(keys.SigEd25519)
}

// run starts a destination's loops under Run.
func (r *Router) run(d *Destination) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life == nil {
		return ErrNotRunning
	}
	if _, taken := r.destinations[d.Hash()]; taken {
		return ErrInUse
	}
	r.destinations[d.Hash()] = d
	ctx, cancel := context.WithCancel(r.life)
	d.cancel = cancel
	r.running.Go(func() {
		var wg sync.WaitGroup
		wg.Go(func() { d.streams.Run(ctx) })
		wg.Go(func() { d.datagrams.Run(ctx) })
		wg.Go(func() { d.session.Serve(ctx, delivery{d.streams, d.datagrams}) })
		wg.Wait()
		r.mu.Lock()
		delete(r.destinations, d.Hash())
		r.mu.Unlock()
		close(d.ended)
	})
	return nil
}

// Close ends the streams, listeners, datagrams and tunnels of the destination, and waits for that.
func (d *Destination) Close() error {
	d.cancel()
	<-d.ended
	return nil
}

// Hash of the destination.
func (d *Destination) Hash() i2p.Hash { return d.session.Hash() }

// Destination is the whole address.
func (d *Destination) Destination() *i2p.Destination { return d.keys.Destination }

// Base32 is the host name of the destination, with ".b32.i2p".
func (d *Destination) Base32() string { return d.keys.Destination.Base32() }

// Ready waits until there are tunnels in both directions.
func (d *Destination) Ready(ctx context.Context) error { return d.session.Ready(ctx) }

// Reachable waits until there are tunnels and, unless it is unpublished, a floodfill has confirmed the LeaseSet.
func (d *Destination) Reachable(ctx context.Context) error { return d.session.Published(ctx) }

// Dial opens a stream to host:port, an .i2p host: a name of the address book, .b32.i2p or a whole destination in
// Base64. network is "i2p" or "tcp", so that it can be the DialContext of an http.Transport. The errors unwrap to
// naming.ErrUnknownHost, client.ErrNotReady and client.ErrNoLeaseSet; a destination that does not answer is a
// net.Error with Timeout.
func (d *Destination) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "i2p" && network != "tcp" {
		return nil, fmt.Errorf("router: dial: %w", net.UnknownNetworkError(network))
	}
	host, p, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("router: dial: %w", err)
	}
	port, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("router: dial: port %q: want 0 to 65535", p)
	}
	// A name is known or not without any tunnel, and says so at once.
	hash, err := d.names.ResolveHash(host)
	if err != nil {
		return nil, fmt.Errorf("router: dial: %w", err)
	}
	if err := d.session.Reach(ctx, hash, false); err != nil {
		return nil, fmt.Errorf("router: dial: %w", err)
	}
	to, err := d.names.Resolve(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("router: dial: %w", err)
	}
	return d.streams.Dial(ctx, to, uint16(port))
}

// Listen accepts streams to a port of this destination; 0 takes all ports that no other listener has.
func (d *Destination) Listen(port uint16) (net.Listener, error) {
	l, err := d.streams.Listen(port)
	if err != nil {
		return nil, fmt.Errorf("router: listen: %w", err)
	}
	return l, nil
}

// carrier is what the streams of a destination see of its session.
type carrier struct{ session *client.Session }

func (c carrier) Reach(ctx context.Context, to i2p.Hash, fresh bool) error {
	return c.session.Reach(ctx, to, fresh)
}

func (c carrier) Send(to i2p.Hash, p streaming.Ports, b *buf.Buf) error {
	return c.session.Send(to, client.Streaming, client.Ports(p), b)
}

func (c carrier) SendBatch(to i2p.Hash, p streaming.Ports, bs []*buf.Buf) error {
	return c.session.SendBatch(to, client.Streaming, client.Ports(p), bs)
}

// Reroute: nothing seems to arrive on the path that packets took.
func (c carrier) Reroute(to i2p.Hash) { c.session.Repath(to) }

// MTU: every destination that we can reach has an X25519 key, for which packets are larger (streaming.md, "Maximum
// packet size").
func (c carrier) MTU(i2p.Hash) int { return streaming.MTURatchet }

// delivery gives a destination's packets to the package of their protocol.
type delivery struct {
	streams   *streaming.Stack
	datagrams *datagram.Stack
}

func (d delivery) Deliver(proto client.Protocol, p client.Ports, packets []*buf.Buf) {
	if proto == client.Streaming {
		d.streams.DeliverBatch(streaming.Ports(p), packets)
		return
	}
	d.datagrams.Deliver(datagram.Kind(proto), datagram.Ports(p), packets)
}

var (
	_ streaming.Carrier      = carrier{}
	_ streaming.BatchCarrier = carrier{}
	_ streaming.Rerouter     = carrier{}
	_ client.Handler         = delivery{}
)

// IsNotReady reports whether an error of Dial means that there are no tunnels yet.
func IsNotReady(err error) bool { return errors.Is(err, client.ErrNotReady) }
