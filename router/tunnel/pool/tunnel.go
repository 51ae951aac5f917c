package pool

import (
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
)

// Direction of a tunnel, seen from its creator.
type Direction uint8

// The two directions.
const (
	Inbound Direction = iota
	Outbound
)

func (d Direction) String() string {
	if d == Inbound {
		return "inbound"
	}
	return "outbound"
}

// A Tunnel is one of our own tunnels, established. It is safe for concurrent use.
type Tunnel struct {
	direction Direction
	// id is the tunnel id that messages carry where they enter our hands: at us for an inbound tunnel, at the
	// first hop for an outbound one.
	id      i2p.TunnelID
	hops    []i2p.Hash
	created time.Time
	early   time.Duration // leaves the lease before its time; see leaseSpread
	replace time.Time     // when its successor is built; of Run
	tested  time.Time     // when the last test began; of Pool.mu

	// Where others send: the inbound gateway. For a tunnel without hops it is this router.
	gatewayRouter i2p.Hash
	gatewayTunnel i2p.TunnelID

	owner  Owner
	sender Sender
	self   i2p.Hash

	mu       sync.Mutex
	endpoint *tunnel.Endpoint // inbound, with hops
	gateway  *tunnel.Gateway  // outbound, with hops
	out      []*buf.Buf       // scratch of Send, kept for its room
	ready    []Delivered      // what Process has just completed
	collect  func(tunnel.Delivery, *buf.Buf)

	failures atomic.Int32 // tests failed in a row
	dead     atomic.Bool
	latency  atomic.Int64 // of the last good test, both tunnels of the pair together
	messages atomic.Uint64
	bytes    atomic.Uint64
}

// Direction of the tunnel.
func (t *Tunnel) Direction() Direction { return t.direction }

// ID is the tunnel id at our end: ours for an inbound tunnel, the first hop's for an outbound one.
func (t *Tunnel) ID() i2p.TunnelID { return t.id }

// Hops in the order that a message passes them, without this router. The slice is shared.
func (t *Tunnel) Hops() []i2p.Hash { return t.hops }

// Expires is when the hops forget the tunnel.
func (t *Tunnel) Expires() time.Time { return t.created.Add(Lifetime) }

// Alive reports whether messages may still use the tunnel.
func (t *Tunnel) Alive(now time.Time) bool { return !t.dead.Load() && now.Before(t.Expires()) }

// broken tunnels failed their tests; there is nothing better yet.
func (t *Tunnel) broken() bool { return t.failures.Load() >= testFailures }

// Gateway is where others send to reach an inbound tunnel.
func (t *Tunnel) Gateway() (i2p.Hash, i2p.TunnelID) { return t.gatewayRouter, t.gatewayTunnel }

// lease is the inbound tunnel as a LeaseSet publishes it, in router time.
func (t *Tunnel) lease(skew time.Duration) i2p.Lease {
	return i2p.Lease{Gateway: t.gatewayRouter, Tunnel: t.gatewayTunnel, End: t.Expires().Add(skew - leaseMargin - t.early)}
}

// Send passes messages in flight out of an outbound tunnel, each to the same delivery. The messages are lent.
func (t *Tunnel) Send(d tunnel.Delivery, now time.Time, msgs ...[]byte) {
	for _, m := range msgs {
		t.messages.Add(1)
		t.bytes.Add(uint64(len(m)))
	}
	if len(t.hops) == 0 {
		t.sendDirect(d, now, msgs)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range msgs {
		t.out = t.gateway.Append(t.out, d, m, now)
	}
	t.sender.Send(t.hops[0], t.out...)
	clear(t.out)
	t.out = t.out[:0]
}

// sendDirect is the outbound tunnel without hops: this router is gateway and endpoint.
func (t *Tunnel) sendDirect(d tunnel.Delivery, now time.Time, msgs [][]byte) {
	for _, m := range msgs {
		switch d.Type {
		case tunnel.DeliveryRouter:
			t.sender.Send(d.Router, buf.From(m))
		case tunnel.DeliveryTunnel:
			b := buf.From(m)
			if err := tunnel.WrapGateway(b, d.Tunnel, now); err != nil {
				b.Release()
				continue
			}
			t.sender.Send(d.Router, b)
		}
	}
}

// Receive takes TunnelData messages in flight for an inbound tunnel, lent and decrypted in place, and gives what they
// complete to the owner at once. It returns how many it refused.
func (t *Tunnel) Receive(msgs []*buf.Buf, now time.Time) (refused int) {
	t.mu.Lock()
	if t.endpoint == nil {
		t.mu.Unlock()
		return len(msgs)
	}
	bytes := 0
	for _, m := range msgs {
		_, layered, err := tunnel.ParseID(m.Bytes())
		if err == nil {
			bytes += len(layered)
			err = t.endpoint.Process(layered, now, t.collect)
		}
		if err != nil {
			refused++
		}
	}
	done := t.ready
	t.ready = nil
	t.mu.Unlock()
	t.bytes.Add(uint64(bytes))
	if len(done) == 0 {
		return refused
	}
	t.messages.Add(uint64(len(done)))
	t.owner.Received(t, done)
	clear(done)
	t.mu.Lock()
	if t.ready == nil {
		t.ready = done[:0] // for its room
	}
	t.mu.Unlock()
	return refused
}

// ReceiveGateway takes a message that came to an inbound tunnel without hops, in flight.
func (t *Tunnel) ReceiveGateway(msg *buf.Buf) {
	t.bytes.Add(uint64(msg.Len()))
	t.messages.Add(1)
	one := [1]Delivered{{tunnel.Delivery{Type: tunnel.DeliveryLocal}, msg}}
	t.owner.Received(t, one[:])
}

// close releases the fragments that wait.
func (t *Tunnel) close() {
	t.dead.Store(true)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.endpoint != nil {
		t.endpoint.Close()
		t.endpoint = nil
	}
}

// sweep drops the fragments of messages that will not be completed.
func (t *Tunnel) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.endpoint != nil {
		t.endpoint.Expire(now)
	}
}

// Status of a tunnel, for display.
type Status struct {
	Direction Direction
	ID        i2p.TunnelID
	Hops      []i2p.Hash
	Created   time.Time
	Expires   time.Time
	Tested    bool          // the last test came back
	Latency   time.Duration // of the last good test: the tunnel and its partner together
	Messages  uint64
	Bytes     uint64
}

// Status is a snapshot.
func (t *Tunnel) Status() Status {
	latency := time.Duration(t.latency.Load())
	return Status{
		Direction: t.direction, ID: t.id, Hops: t.hops, Created: t.created, Expires: t.Expires(),
		Tested: latency > 0 && t.failures.Load() == 0, Latency: latency,
		Messages: t.messages.Load(), Bytes: t.bytes.Load(),
	}
}
