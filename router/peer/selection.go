package peer

import (
	"errors"
	"iter"
	"slices"
	"time"

	"clove.i2p/router/i2p"
)

// ErrNoPeers means that no router fits, even with every preference dropped.
var ErrNoPeers = errors.New("peer: no router fits")

// Candidates are the RouterInfos to choose from; netdb's DB.Routers is one.
type Candidates = iter.Seq[*i2p.RouterInfo]

// Criteria of a selection.
type Criteria struct {
	// Self is our own router, which is never chosen.
	Self i2p.Hash
	// Exclude more routers; nil: none.
	Exclude func(i2p.Hash) bool
	// Inbound: the first hop is a gateway that strangers connect to, the last is our neighbour. Otherwise the
	// first is our neighbour and the last an endpoint that connects to strangers.
	Inbound bool
	// Client tunnels prefer fast routers (class O, P, X) without congestion.
	Client bool
	// Reachable reports whether our transports can dial a router, as our neighbour has to be; nil: all.
	Reachable func(*i2p.RouterInfo) bool
	// ConnectedTo reports whether we have a session with a router; nil: none.
	ConnectedTo func(i2p.Hash) bool
}

// A tier is how many preferences a candidate fails. A hop comes from the first tier that offers any, where preferred
// and usable count as one: else the few best routers would carry every tunnel.
type tier uint8

const (
	preferred  tier = iota // fast, published on IPv4, up to date
	usable                 // slow, or congested somewhat
	unlikely               // firewalled, IPv6 only, stale, congested
	lastResort             // backing off, or rejecting all tunnels
	never
)

// tierWeight spreads the choice within a tier and between preferred and usable.
var tierWeight = [never]float64{preferred: 1, usable: 0.15, unlikely: 1, lastResort: 1}

type candidate struct {
	router    *i2p.RouterInfo
	caps      caps
	prefixes  []prefix
	family    string
	tier      tier
	weight    float64
	connected bool
	reachable bool // by us
	chosen    bool
}

// Select draws up to n distinct hops, in the order that a message passes them. It returns fewer when the network is
// too small, and ErrNoPeers when there are none.
//
// Hops of one tunnel share no /16 (IPv4), no /32 (IPv6) and no family, except in private networks.
func (b *Book) Select(n int, c Criteria, candidates Candidates) ([]*i2p.RouterInfo, error) {
	pool := b.gather(c, candidates)
	hops := make([]*candidate, n)
	chosen := 0
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, i := range fillOrder(n) {
		p := positionOf(i, n, c.Inbound)
		if hops[i] = b.draw(pool, hops, p); hops[i] != nil {
			hops[i].chosen = true
			chosen++
		}
	}
	b.stats.Selections++
	if chosen < n {
		b.stats.SelectionsShort++
		if chosen == 0 {
			return nil, ErrNoPeers
		}
	}
	out := make([]*i2p.RouterInfo, 0, chosen)
	for _, h := range hops {
		if h != nil {
			out = append(out, h.router)
		}
	}
	return out, nil
}

// gather weighs a sample of the candidates.
func (b *Book) gather(c Criteria, candidates Candidates) []*candidate {
	now, published := time.Now(), b.clock.Now()
	sample := b.sample(c, candidates)
	pool := make([]*candidate, 0, len(sample))
	for _, r := range sample {
		e := &candidate{router: r, caps: parseCaps(r.Caps()), prefixes: prefixesOf(r), family: familyOf(r)}
		e.connected = c.ConnectedTo != nil && c.ConnectedTo(r.Hash())
		e.reachable = e.connected || c.Reachable == nil || c.Reachable(r)
		if b.weigh(e, c, now, published); e.tier != never {
			pool = append(pool, e)
		}
	}
	return pool
}

// sample draws up to maxCandidates routers that could be hops at all, each with the same chance.
func (b *Book) sample(c Criteria, candidates Candidates) []*i2p.RouterInfo {
	var sample []*i2p.RouterInfo
	seen := 0
	for r := range candidates {
		h := r.Hash()
		if h == c.Self || (c.Exclude != nil && c.Exclude(h)) {
			continue
		}
		if _, ok := r.EncryptionKey(); !ok {
			continue
		}
		seen++
		if len(sample) < maxCandidates {
			sample = append(sample, r)
		} else if i := b.intN(seen); i < maxCandidates {
			sample[i] = r
		}
	}
	return sample
}

func (b *Book) intN(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rand.IntN(n)
}

// weigh sets the tier and the weight of a candidate for any position.
func (b *Book) weigh(e *candidate, c Criteria, now, published time.Time) {
	h := e.router.Hash()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.banned(h) {
		e.tier = never
		return
	}
	p := b.profiles[h]
	if p != nil {
		p.decay(now)
	}
	if e.tier = e.caps.tier(c.Client); e.tier == never {
		return
	}
	if !publishedV4(e.router) && !b.cfg.Private {
		e.tier = max(e.tier, unlikely)
	}
	if published.Sub(e.router.Published()) > staleRouterInfo && !e.connected && !b.cfg.Private {
		e.tier = max(e.tier, unlikely)
	}
	if p != nil && p.pausing(now) {
		e.tier = lastResort
	}
	w := p.success() * tierWeight[e.tier]
	if e.connected && b.cfg.Private {
		w *= 2 // a session saves a dial; on the public network it is no merit, since anyone can connect to us
	}
	switch v := e.router.Version(); {
	case v < shortBuildVersion:
		w *= 0.1
	case v < fastVersion:
		w *= 0.5
	}
	e.weight = w
}

// A position in a tunnel, as far as it asks something of the router there. The endpoint of an outbound tunnel, which
// connects to strangers, needs no more than any hop.
type position struct {
	neighbour bool // we connect to it, or it to us
	gateway   bool // strangers connect to it
}

func positionOf(i, n int, inbound bool) position {
	if inbound {
		return position{gateway: i == 0, neighbour: i == n-1}
	}
	return position{neighbour: i == 0}
}

// fillOrder puts both ends first, which have the most demands, so that a small network does not spend the one router
// that fits there elsewhere.
func fillOrder(n int) []int {
	var order []int
	for i := range n {
		if i == 0 || i == n-1 {
			order = append(order, i)
		}
	}
	for i := 1; i < n-1; i++ {
		order = append(order, i)
	}
	return order
}

// draw picks a candidate for a position: from the first tier that has one, by weight.
func (b *Book) draw(pool, hops []*candidate, p position) *candidate {
	var best [never]*candidate
	var score [never]float64
	for _, e := range pool {
		t := e.tier
		if t == usable {
			t = preferred
		}
		if e.chosen || !fits(e, p) || b.clashes(e, hops) {
			continue
		}
		// The smallest of exponential variates with rate w is a draw by weight w.
		w := e.weight
		if p.neighbour && e.connected && b.cfg.Private {
			w *= 2
		}
		if s := b.rand.ExpFloat64() / w; best[t] == nil || s < score[t] {
			best[t], score[t] = e, s
		}
	}
	for _, e := range best {
		if e != nil {
			return e
		}
	}
	return nil
}

func fits(e *candidate, p position) bool {
	if p.neighbour && !e.reachable || p.gateway && e.caps.unreachable {
		return false
	}
	// A hop is dialled by the one before it, or by us.
	return published(e.router) || p.neighbour && e.connected && !p.gateway
}

// clashes reports whether a candidate may belong to the operator of a hop that was already chosen.
func (b *Book) clashes(e *candidate, hops []*candidate) bool {
	if b.cfg.Private {
		return false
	}
	return slices.ContainsFunc(hops, func(h *candidate) bool {
		if h == nil {
			return false
		}
		if e.family != "" && e.family == h.family {
			return true
		}
		return slices.ContainsFunc(e.prefixes, func(p prefix) bool { return slices.Contains(h.prefixes, p) })
	})
}
