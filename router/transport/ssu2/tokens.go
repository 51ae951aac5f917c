package ssu2

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"github.com/dchest/siphash"

	"clove.i2p/router/transport/ssu2/wire"
)

// A mint makes and checks the tokens that peers show us ("Tokens"): those of Retry without memory, those of NewToken
// blocks from a bounded table, each good for one handshake. Safe for concurrent use.
type mint struct {
	k0, k1 uint64

	mu    sync.Mutex
	given tokenTable
}

func newMint() *mint {
	var seed [16]byte
	rand.Read(seed[:])
	return &mint{k0: binary.LittleEndian.Uint64(seed[:]), k1: binary.LittleEndian.Uint64(seed[8:])}
}

// retry is the token for a Retry to an address: a keyed hash of it and of the period.
func (m *mint) retry(to netip.AddrPort, now time.Time) wire.Token {
	return m.ofPeriod(to, now.UnixNano()/int64(tokenPeriod))
}

func (m *mint) ofPeriod(to netip.AddrPort, period int64) wire.Token {
	var b [16 + 2 + 8]byte
	ip := to.Addr().As16()
	copy(b[:], ip[:])
	binary.BigEndian.PutUint16(b[16:], to.Port())
	binary.BigEndian.PutUint64(b[18:], uint64(period))
	return max(wire.Token(siphash.Hash(m.k0, m.k1, b[:])), 1)
}

// give makes a token for a later session from an address.
func (m *mint) give(to netip.AddrPort, now time.Time) (wire.Token, time.Time) {
	var b [8]byte
	rand.Read(b[:])
	token, expires := max(wire.Token(binary.BigEndian.Uint64(b[:])), 1), now.Add(newTokenLife)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.given.put(to, token, expires, now)
	return token, expires
}

// take reports whether a token is good for a handshake from an address. One from give is used up by that.
func (m *mint) take(from netip.AddrPort, token wire.Token, now time.Time) bool {
	if token == 0 {
		return false
	}
	period := now.UnixNano() / int64(tokenPeriod)
	if token == m.ofPeriod(from, period) || token == m.ofPeriod(from, period-1) {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if t, ok := m.given.get(from, now); !ok || t != token {
		return false
	}
	m.given.drop(from)
	return true
}

// A purse holds the tokens that peers gave us, one for each address. Safe for concurrent use.
type purse struct {
	mu  sync.Mutex
	got tokenTable
}

func (p *purse) put(peer netip.AddrPort, token wire.Token, expires, now time.Time) {
	expires = expires.Add(-tokenMargin)
	if token == 0 || !expires.After(now) || expires.Sub(now) > maxTokenLife {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got.put(peer, token, expires, now)
}

// take takes the token out: it is good for one handshake.
func (p *purse) take(peer netip.AddrPort, now time.Time) wire.Token {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, _ := p.got.get(peer, now)
	p.got.drop(peer)
	return t
}

// forget drops all tokens: our own address has changed.
func (p *purse) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = tokenTable{}
}

// A tokenTable is one token for each address, at most maxTokens: at the bound what has expired goes, else any.
type tokenTable struct{ entries map[netip.AddrPort]tokenEntry }

type tokenEntry struct {
	token   wire.Token
	expires time.Time
}

func (t *tokenTable) put(at netip.AddrPort, token wire.Token, expires, now time.Time) {
	if t.entries == nil {
		t.entries = make(map[netip.AddrPort]tokenEntry)
	}
	if _, ok := t.entries[at]; !ok && len(t.entries) >= maxTokens {
		for a, e := range t.entries {
			if !now.Before(e.expires) {
				delete(t.entries, a)
			}
		}
		for a := range t.entries {
			if len(t.entries) < maxTokens*7/8 {
				break
			}
			delete(t.entries, a)
		}
	}
	t.entries[at] = tokenEntry{token, expires}
}

func (t *tokenTable) get(at netip.AddrPort, now time.Time) (wire.Token, bool) {
	e, ok := t.entries[at]
	if !ok || !now.Before(e.expires) {
		return 0, false
	}
	return e.token, true
}

func (t *tokenTable) drop(at netip.AddrPort) { delete(t.entries, at) }

// A retryLimit bounds the answers to requests without a token, by source, in memory of a fixed size. It belongs to one
// reader.
type retryLimit struct {
	seed   uint64
	second int64
	sent   [retryBuckets]uint16
}

// allow counts one; open networks, where routers share addresses, get more.
func (r *retryLimit) allow(from netip.AddrPort, open bool, now time.Time) bool {
	if r.seed == 0 {
		var b [8]byte
		rand.Read(b[:])
		r.seed = binary.LittleEndian.Uint64(b[:]) | 1
	}
	if s := now.Unix(); s != r.second {
		r.second = s
		clear(r.sent[:])
	}
	ip := from.Addr().As16()
	if !from.Addr().Is4() {
		clear(ip[8:])
	}
	n := &r.sent[siphash.Hash(r.seed, 0, ip[:])%retryBuckets]
	most := uint16(retriesPerSecond)
	if open {
		most *= openRetries
	}
	if *n >= most {
		return false
	}
	*n++
	return true
}
