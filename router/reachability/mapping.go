package reachability

import (
	"net/netip"
	"slices"
	"time"
)

// Mapped says that a router before us forwards this address to our port (UPnP, NAT-PMP, PCP), until Unmapped. by names the protocol. Repeats change
// nothing. It is believed, until tests speak against it, once a peer has seen us at its IP address: the gateway may not be the way that our packets take
// (a VPN), be behind another NAT, or not be a gateway at all.
func (k *Keeper) Mapped(now time.Time, external netip.AddrPort, by string) {
	external = unmap(external)
	if !external.Addr().IsValid() {
		return
	}
	k.change(now, familyOf(external.Addr()), func(s *family) {
		if s.mapped != external {
			s.mapped = external
			s.schedule.soon(now)
		}
		s.mappedBy = by
	})
}

// Unmapped ends Mapped for a family. Whoever reached us came through the mapping, most likely, so that it says nothing any more.
func (k *Keeper) Unmapped(now time.Time, f Family) {
	k.change(now, f, func(s *family) {
		if !s.mapped.IsValid() {
			return
		}
		s.mapped, s.mappedBy, s.inbound = netip.AddrPort{}, "", map[network]time.Time{}
		s.tests = slices.DeleteFunc(s.tests, func(v vote) bool { return v.state == OK })
		if s.state == OK {
			s.state = Unknown
		}
		s.schedule.soon(now)
	})
}

// forwards reports whether the mapping can be ours: it can be public, and peers do not agree on another IP address.
func (k *Keeper) forwards(s *family) bool {
	return s.mapped.IsValid() && k.cfg.usable(s.mapped) && (!s.ip.IsValid() || s.ip == s.mapped.Addr())
}

// confirmed reports whether peers bear a mapping out: one of them has seen us there, or tests reached it.
func (k *Keeper) confirmed(s *family, t tally) bool {
	if !k.forwards(s) {
		return false
	}
	seen, _ := s.seen.at(s.mapped.Addr(), time.Time{})
	return s.ip == s.mapped.Addr() || seen > 0 || t.reached >= k.cfg.Agree && t.tested == s.mapped
}
