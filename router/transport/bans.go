package transport

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"clove.i2p/router/i2p"
)

// BanReason tells why we do not speak with a router for a while.
type BanReason uint8

// The reasons for a ban. Each needs a proof that nobody but the router itself can make: see Violation.
const (
	BanProtocol  BanReason = iota // what it sent in an authenticated session is against the protocol
	BanSignature                  // what it signed itself and sent in an authenticated session does not verify
	BanNetwork                    // its signed RouterInfo is of another network
)

func (r BanReason) String() string {
	switch r {
	case BanProtocol:
		return "protocol"
	case BanSignature:
		return "signature"
	case BanNetwork:
		return "network"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// A Violation is the cause of the end of a session, or of a dial that failed, for which the router is banned. A transport wraps it
// only in errors about what the router itself did with its identity proven: sent under the keys of a finished handshake,
// or signed. A handshake that fails proves nothing about the router that it names, and packets that do not
// authenticate nothing about anybody: whoever makes those would have others banned.
type Violation struct {
	Reason BanReason
	Err    error
}

func (v *Violation) Error() string { return fmt.Sprintf("%v (%v violation)", v.Err, v.Reason) }
func (v *Violation) Unwrap() error { return v.Err }

// BannedPeer is one entry of the ban table.
type BannedPeer struct {
	Peer   i2p.Hash
	Reason BanReason
	Until  time.Time
}

// length is how long a ban lasts.
func (r BanReason) length() time.Duration {
	switch r {
	case BanSignature:
		return banSignature
	case BanNetwork:
		return banNetwork
	}
	return banProtocol
}

// Ban refuses a peer for d, at most a week, and closes the session with it. 0 stands for the usual time of the reason. A ban does
// not shorten an earlier one.
func (m *Mux) Ban(peer i2p.Hash, reason BanReason, d time.Duration) {
	if d <= 0 {
		d = reason.length()
	}
	now := time.Now()
	m.mu.Lock()
	m.bans.add(peer, reason, now, now.Add(min(d, maxBan)))
	m.mu.Unlock()
	m.c.banned.Add(1)
	m.Disconnect(peer, ReasonBanned)
	m.log.Debug("peer banned", "peer", peer, "reason", reason, "length", d)
}

// Banned reports whether a peer is refused now. This is the one place that knows: who chooses peers asks here.
func (m *Mux) Banned(peer i2p.Hash) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.bans.banned(peer, time.Now())
}

// Bans returns the ban table in the order of the ends.
func (m *Mux) Bans() []BannedPeer {
	now := time.Now()
	m.mu.RLock()
	all := make([]BannedPeer, 0, len(m.bans))
	for peer, b := range m.bans {
		if now.Before(b.until) {
			all = append(all, BannedPeer{Peer: peer, Reason: b.reason, Until: b.until})
		}
	}
	m.mu.RUnlock()
	slices.SortFunc(all, func(a, b BannedPeer) int {
		if c := a.Until.Compare(b.Until); c != 0 {
			return c
		}
		return bytes.Compare(a.Peer[:], b.Peer[:])
	})
	return all
}

// punish bans a peer for what it did, if that was a Violation.
func (m *Mux) punish(peer i2p.Hash, err error) {
	var v *Violation
	if errors.As(err, &v) {
		m.Ban(peer, v.Reason, 0)
	}
}

type ban struct {
	reason BanReason
	until  time.Time
}

// A banTable is not safe for concurrent use.
type banTable map[i2p.Hash]ban

func (t banTable) banned(peer i2p.Hash, now time.Time) bool {
	b, ok := t[peer]
	return ok && now.Before(b.until)
}

func (t banTable) add(peer i2p.Hash, reason BanReason, now, until time.Time) {
	old, ok := t[peer]
	if ok && old.until.After(until) {
		return
	}
	if !ok && len(t) >= maxBans {
		t.forget(now)
	}
	if !ok && len(t) >= maxBans {
		var first i2p.Hash
		var ends time.Time
		for p, b := range t {
			if ends.IsZero() || b.until.Before(ends) {
				first, ends = p, b.until
			}
		}
		delete(t, first)
	}
	t[peer] = ban{reason, until}
}

func (t banTable) count(now time.Time) (n int) {
	for _, b := range t {
		if now.Before(b.until) {
			n++
		}
	}
	return n
}

func (t banTable) forget(now time.Time) {
	for peer, b := range t {
		if !now.Before(b.until) {
			delete(t, peer)
		}
	}
}
