package ssu2

import (
	"net/netip"
	"time"

	"clove.i2p/router/transport/ssu2/nat"
)

// A contacts table knows to which addresses we sent packets in the last minutes, for one to two times nat.ContactTime: a NAT
// lets their packets in then.
type contacts struct {
	now, old map[netip.AddrPort]struct{} // with port 0: whatever the port
	turned   time.Time
}

// maxContacts bounds each half of the table (1 MiB). At the bound the older half is dropped.
const maxContacts = 1 << 14

// contacted tells whether we sent to an address, with port 0 to any of that IP.
func (s *server) contacted(a netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, now := s.contacts.now[a]
	_, old := s.contacts.old[a]
	return now || old
}

// contact notes an address that we send to, or have a session with.
func (s *server) contact(a netip.AddrPort, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.contacts
	if since := now.Sub(c.turned); since >= nat.ContactTime || len(c.now) >= maxContacts {
		if since >= 2*nat.ContactTime {
			c.now = nil
		}
		c.old, c.now, c.turned = c.now, make(map[netip.AddrPort]struct{}), now
	}
	c.now[a] = struct{}{}
	c.now[netip.AddrPortFrom(a.Addr(), 0)] = struct{}{}
}
