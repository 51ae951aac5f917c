package reachability

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// decide brings the state of a family up to date with its evidence. Enough networks that agree change it; without those it stays for a time.
func (k *Keeper) decide(now time.Time, s *family) {
	s.expire(now)
	s.move(now, k.cfg.Agree)
	t := s.count(k.cfg.Agree)
	s.tally = t
	state, at := t.state, t.latest
	if state == Unknown && s.state == Unknown {
		if state = repeated(s.ofAddress()); state != Unknown {
			at = now
		}
	}
	switch varies := s.seen.varies(s.ip); {
	case state == Firewalled && varies:
		state = Symmetric
	case state == Unknown && varies && (s.state == Unknown || s.state == Symmetric) && t.ok == 0 && !s.mapped.IsValid():
		state, at = Symmetric, now
	case state == Unknown && t.blocked == 0 && k.confirmed(s, t):
		state, at = OK, now
	}
	switch {
	case state != Unknown:
		s.state, s.confirmed = state, at
		s.moved = s.moved && state != OK
	case now.Sub(s.confirmed) >= hold:
		s.state = Unknown
	}
}

func (s *family) expire(now time.Time) {
	s.seen.expire(now)
	for n, at := range s.inbound {
		if now.Sub(at) >= inboundLife {
			delete(s.inbound, n)
		}
	}
	for len(s.tests) > 0 && now.Sub(s.tests[0].at) >= testLife {
		s.tests = s.tests[1:]
	}
}

// count weighs tests and strangers. While no test has reached an address that is new, strangers may have come to the old one, which is the true one if
// we were lied to.
func (s *family) count(agree int) tally {
	strangers := make([]vote, 0, len(s.inbound))
	for n, at := range s.inbound {
		if !s.moved {
			strangers = append(strangers, vote{at: at, state: OK, by: [2]network{n, n}})
		}
	}
	return count(latestFirst(s.ofAddress(), strangers), agree)
}

// ofAddress are the tests that say something of our address: those of it, and of those of the one before, where that was not configured, the ones that
// did not reach us.
func (s *family) ofAddress() []vote {
	ours := s.ip
	if s.advertise.IsValid() {
		ours = s.advertise.Addr()
	}
	if !ours.IsValid() {
		return s.tests
	}
	return slices.DeleteFunc(slices.Clone(s.tests), func(v vote) bool {
		return v.tested.Addr() != ours && (!v.before || s.advertise.IsValid())
	})
}

// judge makes the report, after decide: what is configured goes before what is known.
func (k *Keeper) judge(now time.Time, f Family) Report {
	s := &k.family[f]
	tests := count(latestFirst(slices.DeleteFunc(slices.Clone(s.ofAddress()), func(v vote) bool { return v.before })), k.cfg.Agree)
	_, _, ports := s.seen.port(s.ip, s.bound.Port())
	r := Report{
		Family: f, State: s.state, External: k.external(s, s.tally), Since: now,
		Evidence: Evidence{Reached: tests.ok, Blocked: tests.blocked, Symmetric: tests.symmetric, Inbound: len(s.inbound), Ports: ports},
	}
	r.Seen, _ = s.seen.at(r.External.Addr(), time.Time{})
	switch {
	case k.cfg.Hidden:
		r.State, r.External, r.Reason = Hidden, netip.AddrPort{}, "configured to be hidden"
	case !s.enabled:
		r.State, r.External, r.Reason = Disabled, netip.AddrPort{}, "no socket for "+f.String()
	case s.advertise.IsValid():
		r.State, r.External, r.Reason = OK, s.advertise, "address configured"
		if s.state == Firewalled || s.state == Symmetric {
			r.Reason = fmt.Sprintf("address configured, but %s could not reach it", networks(tests.blocked))
		}
	default:
		r.Reason = k.reason(s, r)
	}
	return r
}

// external is where strangers should send to.
func (k *Keeper) external(s *family, t tally) netip.AddrPort {
	port, _, _ := s.seen.port(s.ip, s.bound.Port())
	switch {
	case k.forwards(s) && (s.state != OK || k.confirmed(s, t)):
		return s.mapped
	case s.state == OK && t.reached >= k.cfg.Agree && (!s.ip.IsValid() || s.ip == t.tested.Addr()):
		return t.tested // fewer could have been told a port that is not ours
	case s.ip.IsValid():
		if port == 0 { // nobody has seen us for an hour
			port = s.report.External.Port()
		}
		if port == 0 {
			port = s.bound.Port()
		}
		return netip.AddrPortFrom(s.ip, port)
	case k.cfg.usable(s.bound):
		return s.bound
	}
	return netip.AddrPort{}
}

func (k *Keeper) reason(s *family, r Report) string {
	switch e := r.Evidence; r.State {
	case OK:
		switch {
		case e.Reached > 0 && e.Inbound > 0:
			return fmt.Sprintf("peers in %s reached us in tests, strangers from %s opened sessions", networks(e.Reached), networks(e.Inbound))
		case e.Reached > 0:
			return fmt.Sprintf("peers in %s reached us in tests", networks(e.Reached))
		case e.Inbound > 0:
			return fmt.Sprintf("strangers from %s opened sessions", networks(e.Inbound))
		case s.mapped.IsValid():
			return fmt.Sprintf("port mapped by %s, not tested yet", s.mappedBy)
		}
		return s.old(r)
	case Firewalled:
		if e.Blocked > 0 {
			return fmt.Sprintf("peers in %s could not reach us in tests%s", networks(e.Blocked), s.despite(k))
		}
		return s.old(r)
	case Symmetric:
		if e.Ports >= agreePorts {
			return fmt.Sprintf("symmetric NAT: peers see us at %d different ports", e.Ports)
		}
		return fmt.Sprintf("symmetric NAT: peers in %s saw another port than others", networks(max(e.Symmetric, 1)))
	}
	switch {
	case s.mapped.IsValid() && !k.cfg.usable(s.mapped):
		return fmt.Sprintf("%s gives the private address %v: another NAT is before that one", s.mappedBy, s.mapped.Addr())
	case r.Reached+r.Blocked > 0 && (r.Reached == 0 || r.Blocked == 0):
		return fmt.Sprintf("only %s tested us so far", networks(r.Reached+r.Blocked))
	case r.Reached+r.Blocked > 0:
		return "peers contradict each other"
	case s.moved:
		return "peers see us at another address than before, and no test has reached it yet"
	case s.why != "":
		return "the last test said nothing: " + s.why
	case len(s.seen) == 0:
		return "no peer has told yet where it sees us"
	}
	return "not tested yet"
}

// old says where a verdict comes from that nothing confirms any more.
func (s *family) old(r Report) string {
	if s.moved {
		return "as it was before our address changed"
	}
	return fmt.Sprintf("as it was %v ago; nobody has told since", r.Since.Sub(s.confirmed).Round(time.Minute))
}

// despite says what a verdict goes against.
func (s *family) despite(k *Keeper) string {
	switch {
	case !s.mapped.IsValid():
		return ""
	case !k.cfg.usable(s.mapped):
		return fmt.Sprintf("; %s gives the private address %v: another NAT is before that one", s.mappedBy, s.mapped.Addr())
	}
	return fmt.Sprintf("; the port mapped by %s is not forwarded", s.mappedBy)
}

func networks(n int) string {
	if n == 1 {
		return "1 network"
	}
	return fmt.Sprintf("%d networks", n)
}
