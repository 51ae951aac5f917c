package transit

import (
	"sync/atomic"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel/build"
)

// Refusal is why a build request gets no answer.
type Refusal uint8

// The refusals.
const (
	RefuseMalformed Refusal = iota // or not for us, or against the rules
	RefusePeerRate                 // too many from one previous hop
	RefuseQueueFull
	RefuseTooOld // waited too long
	RefuseExpired
	RefuseReplayed
	refusals
)

// String names the refusal.
func (r Refusal) String() string {
	return [...]string{"malformed", "peer rate", "queue full", "waited too long", "expired", "replayed"}[r]
}

// Rejection is why a build request is answered with no. 0 is none.
type Rejection uint8

// The rejections.
const (
	RejectDisabled Rejection = iota + 1
	RejectCongested
	RejectBandwidth  // asks for more than there is
	RejectTargetRate // too many to one next hop
	RejectTaken      // the tunnel id is in use, or the table is full
	rejections
)

// String names the rejection.
func (r Rejection) String() string {
	return [...]string{"none", "disabled", "congested", "bandwidth", "target rate", "id taken"}[r]
}

// Drop is why a message in a tunnel went no further. 0 is none.
type Drop uint8

// The drops.
const (
	DropUnknown Drop = iota + 1 // the tunnel has just expired
	DropExpired                 // the message has
	DropMalformed
	DropChecksum
	DropReplayed
	DropWrongPeer // not from the previous hop
	DropWrongRole // TunnelGateway for a tunnel that does not begin here, or TunnelData for one that does
	DropBandwidth // beyond the share for tunnels of others
	DropLocal     // LOCAL delivery out of an outbound tunnel
	drops
)

// String names the drop.
func (d Drop) String() string {
	return [...]string{"none", "unknown tunnel", "expired", "malformed", "checksum", "replayed", "wrong peer", "wrong role", "bandwidth", "local delivery"}[d]
}

// stats are the counters of a table.
type stats struct {
	roles    [3]roleCounters // by build.Role
	refused  [refusals]atomic.Uint64
	rejected [rejections]atomic.Uint64
	dropped  [drops]atomic.Uint64
}

type roleCounters struct {
	tunnels                   atomic.Int64
	admitted, messages, bytes atomic.Uint64
}

// RoleStats counts one role.
type RoleStats struct {
	Tunnels  int    // at the moment
	Admitted uint64 // ever
	Messages uint64 // tunnel messages
	Bytes    uint64 // that came in
}

// Stats is a snapshot of the counters. The maps hold what is not 0, by name.
type Stats struct {
	Participant      RoleStats
	InboundGateway   RoleStats
	OutboundEndpoint RoleStats
	Queued           int               // build requests that wait
	Refused          map[string]uint64 // build requests without answer
	Rejected         map[string]uint64 // build requests answered with no
	Dropped          map[string]uint64 // messages
}

// Stats is a snapshot.
func (t *Table) Stats() Stats {
	s := Stats{
		Participant:      t.stats.roles[build.Participant].read(),
		InboundGateway:   t.stats.roles[build.InboundGateway].read(),
		OutboundEndpoint: t.stats.roles[build.OutboundEndpoint].read(),
		Queued:           t.queue.len(),
		Refused:          make(map[string]uint64),
		Rejected:         make(map[string]uint64),
		Dropped:          make(map[string]uint64),
	}
	for i := range t.stats.refused {
		put(s.Refused, Refusal(i).String(), &t.stats.refused[i])
	}
	for i := range t.stats.rejected {
		put(s.Rejected, Rejection(i).String(), &t.stats.rejected[i])
	}
	for i := range t.stats.dropped {
		put(s.Dropped, Drop(i).String(), &t.stats.dropped[i])
	}
	return s
}

func put(m map[string]uint64, name string, c *atomic.Uint64) {
	if n := c.Load(); n > 0 {
		m[name] = n
	}
}

func (c *roleCounters) read() RoleStats {
	return RoleStats{
		Tunnels: int(c.tunnels.Load()), Admitted: c.admitted.Load(), Messages: c.messages.Load(), Bytes: c.bytes.Load(),
	}
}

// Status describes one tunnel.
type Status struct {
	ID         i2p.TunnelID
	Role       build.Role
	Previous   i2p.Hash // zero before the first message, and for a gateway
	Next       i2p.Hash // zero for an endpoint
	NextTunnel i2p.TunnelID
	Age        time.Duration
	Expires    time.Duration // from now
	Messages   uint64
	Bytes      uint64
}

// Tunnels lists the tunnels, oldest first.
func (t *Table) Tunnels() []Status {
	now := time.Now()
	hops := t.snapshot()
	list := make([]Status, len(hops))
	for i, h := range hops {
		s := Status{
			ID: h.id, Role: h.role, Age: now.Sub(h.created), Expires: h.expires.Sub(now),
			Messages: h.messages.Load(), Bytes: h.bytes.Load(),
		}
		if h.role != build.OutboundEndpoint {
			s.Next, s.NextTunnel = h.next, h.nextTunnel
		}
		h.mu.Lock()
		s.Previous = h.previous
		h.mu.Unlock()
		list[i] = s
	}
	return list
}
