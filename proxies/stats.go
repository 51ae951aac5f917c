package proxies

import "sync/atomic"

type counter = atomic.Uint64

// Counters are a proxy's. The zero value is ready.
type Counters struct {
	accepted, requests, sent, received, acceptErrors counter
	packetsSent, packetsReceived, packetsDropped     counter
	active                                           atomic.Int64
	failed                                           [numReasons]counter
}

// Stats is a snapshot of Counters. Bytes are those of the streams, both HTTP headers included.
type Stats struct {
	Accepted     uint64 `json:"accepted"`
	Active       int64  `json:"active"`
	Requests     uint64 `json:"requests"`
	Sent         uint64 `json:"bytes_sent"`
	Received     uint64 `json:"bytes_received"`
	AcceptErrors uint64 `json:"accept_errors"`
	// Packets of UDP ASSOCIATE; dropped ones were malformed, refused, too long or too many.
	PacketsSent     uint64            `json:"packets_sent,omitempty"`
	PacketsReceived uint64            `json:"packets_received,omitempty"`
	PacketsDropped  uint64            `json:"packets_dropped,omitempty"`
	Failed          map[string]uint64 `json:"failed"` // by Reason, those that happened
}

// Request counts one.
func (c *Counters) Request() { c.requests.Add(1) }

// Fail counts a request that got no stream.
func (c *Counters) Fail(r Reason) { c.failed[r].Add(1) }

// Sent and Received count bytes of streams outside of a Relay.
func (c *Counters) Sent(n int)     { c.sent.Add(uint64(n)) }
func (c *Counters) Received(n int) { c.received.Add(uint64(n)) }

// PacketSent counts one and its bytes.
func (c *Counters) PacketSent(n int) {
	c.packetsSent.Add(1)
	c.Sent(n)
}

// PacketReceived counts one and its bytes.
func (c *Counters) PacketReceived(n int) {
	c.packetsReceived.Add(1)
	c.Received(n)
}

// PacketDropped counts one.
func (c *Counters) PacketDropped() { c.packetsDropped.Add(1) }

// Snapshot reads them all.
func (c *Counters) Snapshot() Stats {
	s := Stats{
		Accepted: c.accepted.Load(), Active: c.active.Load(), Requests: c.requests.Load(), Sent: c.sent.Load(),
		Received: c.received.Load(), AcceptErrors: c.acceptErrors.Load(), PacketsSent: c.packetsSent.Load(),
		PacketsReceived: c.packetsReceived.Load(), PacketsDropped: c.packetsDropped.Load(), Failed: map[string]uint64{},
	}
	for i := range c.failed {
		if n := c.failed[i].Load(); n > 0 {
			s.Failed[Reason(i).String()] = n
		}
	}
	return s
}
