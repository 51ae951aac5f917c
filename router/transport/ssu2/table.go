package ssu2

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// A table knows whose a packet is: by connection id what is a session or an inbound handshake, by address the dials. Its
// lock is the innermost.
type table struct {
	mu       sync.RWMutex
	entries  map[wire.ConnectionID]any // *session, *inbound, *dial
	byRouter map[i2p.Hash][]*session
	byRemote map[netip.AddrPort][]*dial
	dials    map[i2p.Hash][]*dial
	remotes  map[netip.AddrPort]int // sessions by the peer's address, and by its IP with port 0
	sessions int
}

func newTable() *table {
	return &table{
		entries: make(map[wire.ConnectionID]any), byRouter: make(map[i2p.Hash][]*session),
		byRemote: make(map[netip.AddrPort][]*dial), dials: make(map[i2p.Hash][]*dial), remotes: make(map[netip.AddrPort]int),
	}
}

// find returns who has a connection id, or nil.
func (t *table) find(id wire.ConnectionID) any {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.entries[id]
}

// enterInbound takes the id that a peer chose for us, if it is free.
func (t *table) enterInbound(id wire.ConnectionID, h *inbound) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, taken := t.entries[id]; taken {
		return false
	}
	t.entries[id] = h
	return true
}

// enterDial gives a dial a free id, its own if it has one, and enters it by address.
func (t *table) enterDial(d *dial) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byRemote[d.at]) >= maxDialsPerEndpoint {
		return errNoPlace
	}
	for {
		if _, taken := t.entries[d.id]; !taken && d.id != 0 {
			break
		}
		d.id = randomID()
	}
	t.entries[d.id] = d
	t.byRemote[d.at] = append(t.byRemote[d.at], d)
	t.dials[d.peer] = append(t.dials[d.peer], d)
	return nil
}

// leaveDial forgets a dial; its id only if no session has taken it over.
func (t *table) leaveDial(d *dial) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[d.id] == any(d) {
		delete(t.entries, d.id)
	}
	without(t.byRemote, d.at, d)
	without(t.dials, d.peer, d)
}

// enterSession gives a session the id of the handshake that made it. It is false if the handshake was dropped meanwhile. A
// refused one is nobody's: who the peer is may not be known, so it is not found by router.
func (t *table) enterSession(s *session, handshake any) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[s.id] != handshake {
		return false
	}
	t.entries[s.id] = s
	if s.reported {
		return true
	}
	t.byRouter[s.peer] = append(t.byRouter[s.peer], s)
	t.countRemote(s.remote, 1)
	t.sessions++
	return true
}

// endSession says that a session, whose lock is held, carries nothing any more; its id stays.
func (t *table) endSession(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.byRouter[s.peer], s) {
		without(t.byRouter, s.peer, s)
		t.countRemote(s.remote, -1)
		t.sessions--
	}
}

// moveSession gives a session, whose lock is held, another address of the peer.
func (t *table) moveSession(s *session, to netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.byRouter[s.peer], s) {
		t.countRemote(s.remote, -1)
		t.countRemote(to, 1)
	}
	s.remote = to
}

func (t *table) countRemote(a netip.AddrPort, n int) {
	for _, key := range [2]netip.AddrPort{a, netip.AddrPortFrom(a.Addr(), 0)} {
		if t.remotes[key] += n; t.remotes[key] <= 0 {
			delete(t.remotes, key)
		}
	}
}

// hasRemote tells whether a session is with an address, with port 0 whether one is with any of that IP.
func (t *table) hasRemote(a netip.AddrPort) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.remotes[a] > 0
}

// drop frees an id if it is still that of who.
func (t *table) drop(id wire.ConnectionID, who any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[id] == who {
		delete(t.entries, id)
	}
}

// session is the newest session with a router, or nil.
func (t *table) session(router i2p.Hash) *session {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if all := t.byRouter[router]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

func (t *table) count() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.sessions
}

// all are the sessions that carry messages.
func (t *table) all() []*session {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]*session, 0, t.sessions)
	for _, of := range t.byRouter {
		all = append(all, of...)
	}
	return all
}

// dialsTo appends the dials to a router, or to an address, to a list.
func (t *table) dialsTo(router i2p.Hash, to []*dial) []*dial {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return append(to, t.dials[router]...)
}

func (t *table) dialsAt(at netip.AddrPort, to []*dial) []*dial {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return append(to, t.byRemote[at]...)
}

func without[K, V comparable](m map[K][]V, key K, v V) {
	all := m[key]
	if i := slices.Index(all, v); i >= 0 {
		all = slices.Delete(slices.Clone(all), i, i+1)
	}
	if len(all) == 0 {
		delete(m, key)
	} else {
		m[key] = all
	}
}

func randomID() wire.ConnectionID {
	var b [8]byte
	rand.Read(b[:])
	return wire.ConnectionID(binary.BigEndian.Uint64(b[:]))
}

func randomNumber() uint32 {
	var b [4]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:])
}
