package reachability

import (
	"net/netip"
	"slices"
	"time"
)

// toMove is how many networks must see us at another IP address to replace one.
func toMove(agree int) int {
	if agree == 1 {
		return 1
	}
	return max(agree, agreeAddress)
}

// agreed returns the IP address that we have: the current one, unless enough networks say another. For the first one agree of them suffice. To replace
// one it takes more, and either that
//
//   - all of those have said so since the current one was last seen, and are more than still stand for it;
//   - or they are the most by far;
//   - or tests reached us there since the current one was last seen.
//
// Tests that reached us at the current one since the other was last seen keep it. So a handful of liars among many does not move us, and after a real
// move the tests, which fail at the old address, settle it in minutes.
func (s *family) agreed(agree int) netip.Addr {
	best, n := s.seen.most(s.ip)
	if !s.ip.IsValid() {
		if n >= agree {
			return best
		}
		return s.ip
	}
	if n < toMove(agree) || s.reached(s.ip, s.seen.last(best)) >= agree {
		return s.ip
	}
	last := s.seen.last(s.ip)
	_, later := s.seen.at(best, last)
	stand, _ := s.seen.at(s.ip, time.Time{})
	if s.state == OK {
		stand = max(stand, s.reached(s.ip, time.Time{}))
	}
	if later >= toMove(agree) && later > stand || n > 2*stand || s.reached(best, last) >= agree {
		return best
	}
	return s.ip
}

// contested reports whether enough networks to replace our IP address have said another one since it was last seen.
func (s *family) contested(agree int) bool {
	if !s.ip.IsValid() {
		return false
	}
	best, _ := s.seen.most(s.ip)
	_, later := s.seen.at(best, s.seen.last(s.ip))
	return later >= toMove(agree)
}

// reached counts the tests of different networks that reached us at an IP address after a time.
func (s *family) reached(ip netip.Addr, after time.Time) int {
	there := make([]vote, 0, len(s.tests))
	for _, v := range s.tests {
		if v.state == OK && v.tested.Addr() == ip && v.at.After(after) {
			there = append(there, v)
		}
	}
	return count(latestFirst(there), 1).ok
}

// move follows what peers agree on. What was found at another address says nothing of the new one: that we are reached there is believed when tests show
// it. That we are not is kept, as our NAT is most likely the same: so a mapping that tests refuted is not believed anew because it was renewed.
func (s *family) move(now time.Time, agree int) {
	ip := s.agreed(agree)
	if ip == s.ip {
		return
	}
	old := s.ip
	s.ip = ip
	if !old.IsValid() {
		return
	}
	s.moved = true
	s.tests = slices.DeleteFunc(s.tests, func(v vote) bool { return v.state == OK && v.tested.Addr() != ip })
	for i, v := range s.tests {
		s.tests[i].before = v.tested.Addr() != ip && (v.before || v.state != OK && v.tested.Addr() == old)
	}
	s.inbound = map[network]time.Time{}
	if s.state == OK {
		s.state = Unknown
	}
	s.schedule.soon(now)
}
