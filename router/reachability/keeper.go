package reachability

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Config is what is known without asking anybody.
type Config struct {
	// Hidden publishes nothing, whatever is known.
	Hidden bool
	// Listen are the bound addresses; a family without one is Disabled.
	Listen []netip.AddrPort
	// Advertise are addresses that the user configured: taken as they are. Port 0 is the bound port of the family.
	Advertise []netip.AddrPort
	// AllowPrivate takes private addresses as external ones, and every peer as a network of its own: for networks of tests.
	AllowPrivate bool
	// Agree is how many networks must agree on a verdict; 0 is DefaultAgree, 1 believes anybody.
	Agree int
	// Changed, if set, is called with each new Report that differs in State or External: one call at a time, in order, on the goroutine of a method call
	// that caused one. It may call the Keeper. Reports that are overtaken by newer ones are left out.
	Changed func(Report)
	// Jitter returns a random number below 1; nil is math/rand.
	Jitter func() float64
}

// A Keeper weighs evidence. It is safe for concurrent use.
type Keeper struct {
	cfg Config

	mu     sync.Mutex
	family [2]family
	news   [2]*Report // not told yet

	telling sync.Mutex
}

// A family is the evidence for one, and what follows from it.
type family struct {
	enabled   bool
	advertise netip.AddrPort
	bound     netip.AddrPort
	mapped    netip.AddrPort
	mappedBy  string

	seen    sightings
	ip      netip.Addr // that peers agree on
	moved   bool       // ip was another one before, and no test has reached it yet
	tests   []vote     // oldest first
	inbound map[network]time.Time

	why       string // of the last test, if it said nothing
	tally     tally  // of tests and strangers, as decide found it
	state     State  // as evidence says, before configuration
	confirmed time.Time
	report    Report

	schedule schedule
}

// New makes a Keeper that knows nothing but its configuration.
func New(cfg Config, now time.Time) *Keeper {
	if cfg.Agree == 0 {
		cfg.Agree = DefaultAgree
	}
	if cfg.Jitter == nil {
		cfg.Jitter = rand.Float64
	}
	k := &Keeper{cfg: cfg}
	for f := range k.family {
		s := &k.family[f]
		s.seen, s.inbound = sightings{}, map[network]time.Time{}
		s.report = Report{Family: Family(f), Since: now}
		s.schedule.next = now.Add(firstTest)
	}
	k.setListen(cfg.Listen)
	for f := range k.family {
		k.family[f].report = k.judge(now, Family(f))
	}
	return k
}

func (k *Keeper) setListen(listen []netip.AddrPort) {
	for f := range k.family {
		s := &k.family[f]
		s.enabled, s.bound, s.advertise = false, netip.AddrPort{}, netip.AddrPort{}
		for _, a := range listen {
			if a = unmap(a); familyOf(a.Addr()) == Family(f) && !s.enabled {
				s.enabled, s.bound = true, a
			}
		}
		for _, a := range k.cfg.Advertise {
			if a = unmap(a); a.Addr().IsValid() && familyOf(a.Addr()) == Family(f) && !s.advertise.IsValid() {
				if a.Port() == 0 {
					a = netip.AddrPortFrom(a.Addr(), s.bound.Port())
				}
				s.advertise = a
			}
		}
	}
}

// AddressSeen takes the word of a peer at the address from that it sees us at seen. It is to be a peer that we chose: whoever comes to us could come
// from many networks.
func (k *Keeper) AddressSeen(now time.Time, peer Peer, from netip.Addr, seen netip.AddrPort) {
	if seen = unmap(seen); !k.cfg.usable(seen) {
		return
	}
	f := familyOf(seen.Addr())
	k.change(now, f, func(s *family) {
		s.seen.expire(now)
		before := s.contested(k.cfg.Agree)
		s.seen.add(now, k.cfg.network(peer, from), seen)
		if !before && s.contested(k.cfg.Agree) {
			s.schedule.soon(now) // tests tell who is right
		}
	})
}

// Inbound takes note that a session was opened to us from an address that we had not sent to.
func (k *Keeper) Inbound(now time.Time, peer Peer, from netip.Addr) {
	if !from.IsValid() {
		return
	}
	k.change(now, familyOf(from), func(s *family) {
		n := k.cfg.network(peer, from)
		if _, known := s.inbound[n]; !known && len(s.inbound) >= maxInbound {
			oldest, first := n, true
			for o, at := range s.inbound {
				if first || at.Before(s.inbound[oldest]) {
					oldest, first = o, false
				}
			}
			delete(s.inbound, oldest)
		}
		s.inbound[n] = now
	})
}

// Tested takes the end of a peer test.
func (k *Keeper) Tested(now time.Time, t Test) {
	if t.Family > V6 {
		return
	}
	k.change(now, t.Family, func(s *family) {
		s.why = t.Why
		told := t.Outcome == OK || t.Outcome == Firewalled || t.Outcome == Symmetric
		if told {
			s.why = ""
			if len(s.tests) >= maxTests {
				s.tests = slices.Delete(s.tests, 0, 1)
			}
			v := vote{at: now, state: t.Outcome, by: [2]network{k.cfg.network(t.Bob, t.BobIP), k.cfg.network(t.Charlie, t.CharlieIP)}}
			if k.cfg.usable(unmap(t.Tested)) {
				v.tested = unmap(t.Tested)
			}
			s.tests = append(s.tests, v)
		}
		k.decide(now, s)
		outcome, state := t.Outcome, s.state
		switch {
		case told && s.advertise.IsValid() && s.advertise.Addr() != unmap(t.Tested).Addr():
			outcome, state = OK, OK // Bobs see us elsewhere, and take no other address: haste teaches nothing
		case s.contested(k.cfg.Agree):
			state = Unknown
		}
		s.schedule.ended(now, outcome, state, k.cfg.Jitter())
	})
	if e := unmap(t.External); k.cfg.usable(e) && familyOf(e.Addr()) == t.Family && t.Charlie != (Peer{}) {
		k.AddressSeen(now, t.Charlie, t.CharlieIP, e)
	}
}

// LocalChanged forgets what was learnt, as our sockets changed.
func (k *Keeper) LocalChanged(now time.Time, listen []netip.AddrPort) {
	k.mu.Lock()
	k.setListen(listen)
	for f := range k.family {
		k.family[f].forget(now)
		k.update(now, Family(f))
	}
	k.mu.Unlock()
	k.tell()
}

// Moved forgets what was learnt of a family, as this machine is in another network now.
func (k *Keeper) Moved(now time.Time, f Family) { k.change(now, f, func(s *family) { s.forget(now) }) }

// Retest has all families tested soon, and forgets nothing: nobody could reach us for a while.
func (k *Keeper) Retest(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for f := range k.family {
		k.family[f].schedule = schedule{next: now.Add(soonTest)}
	}
}

func (s *family) forget(now time.Time) {
	s.seen, s.inbound, s.tests, s.ip = sightings{}, map[network]time.Time{}, nil, netip.Addr{}
	s.state, s.moved, s.mapped, s.mappedBy, s.why = Unknown, false, netip.AddrPort{}, "", ""
	s.schedule = schedule{next: now.Add(soonTest)}
}

// Report is the verdict for a family.
func (k *Keeper) Report(now time.Time, f Family) (r Report) {
	k.change(now, f, func(*family) {})
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.family[f].report
}

// Tick lets evidence fade. Once a minute is enough.
func (k *Keeper) Tick(now time.Time) {
	for f := range k.family {
		k.change(now, Family(f), func(*family) {})
	}
}

// change does something to a family and draws the conclusions.
func (k *Keeper) change(now time.Time, f Family, do func(*family)) {
	k.mu.Lock()
	do(&k.family[f])
	k.update(now, f)
	k.mu.Unlock()
	k.tell()
}

func (k *Keeper) update(now time.Time, f Family) {
	s := &k.family[f]
	k.decide(now, s)
	old := s.report
	s.report = k.judge(now, f)
	if s.report.State == old.State {
		s.report.Since = old.Since
	}
	if s.report.State != old.State || s.report.External != old.External {
		r := s.report
		k.news[f] = &r
	}
}

// tell calls Changed, unless another goroutine is at it: then that one goes on with what is new.
func (k *Keeper) tell() {
	if k.cfg.Changed == nil {
		return
	}
	for k.telling.TryLock() {
		for r := k.takeNews(); r != nil; r = k.takeNews() {
			k.cfg.Changed(*r)
		}
		k.telling.Unlock()
		k.mu.Lock()
		done := k.news == [2]*Report{}
		k.mu.Unlock()
		if done {
			return
		}
	}
}

func (k *Keeper) takeNews() (r *Report) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for f := range k.news {
		if r = k.news[f]; r != nil {
			k.news[f] = nil
			return r
		}
	}
	return nil
}
