package http

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"
)

// nonces are those of Digest authentication. One holds the time when it was made, random bytes and a MAC, so that those that are
// asked for and never used cost nothing here:
//
//	time    8 bytes, nanoseconds since 1970, big endian
//	random  8 bytes
//	MAC    16 bytes of HMAC-SHA-256 over both
//
// Of those in use a window of counts is kept. When there are too many the oldest is forgotten, and with it all that are
// older: their users are asked again, which browsers do on their own (stale=true).
type nonces struct {
	key [32]byte

	mu    sync.Mutex
	floor time.Time // nothing made then or before counts
	used  map[string]*counts
}

// counts are the values of nc that were seen: the highest, and which of the countWindow values up to it.
type counts struct {
	made    time.Time
	highest uint32
	seen    [countWindow / 64]uint64 // bit nc % countWindow
}

const nonceLen = 32

func newNonces() *nonces {
	n := &nonces{used: make(map[string]*counts)}
	_, _ = rand.Read(n.key[:])
	return n
}

// issue makes one. Nothing is stored.
func (n *nonces) issue() string {
	b := make([]byte, 16, nonceLen)
	binary.BigEndian.PutUint64(b, uint64(time.Now().UnixNano()))
	_, _ = rand.Read(b[8:])
	return base64.RawURLEncoding.EncodeToString(n.mac(b))
}

func (n *nonces) mac(b []byte) []byte {
	h := hmac.New(sha256.New, n.key[:])
	_, _ = h.Write(b[:16])
	return append(b[:16], h.Sum(nil)[:16]...)
}

// fresh tells whether a nonce is ours and young, and its count was not used. It changes nothing.
func (n *nonces) fresh(nonce string, nc uint32) bool {
	made, ok := n.made(nonce)
	if !ok {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.used[nonce]
	return made.After(n.floor) && (c == nil || c.free(nc))
}

// use takes a count, for credentials that are right. It reports false if the count was taken meanwhile.
func (n *nonces) use(nonce string, nc uint32) bool {
	made, ok := n.made(nonce)
	if !ok {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !made.After(n.floor) {
		return false
	}
	c := n.used[nonce]
	if c == nil {
		if len(n.used) >= maxNonces {
			n.forget()
			if !made.After(n.floor) {
				return false
			}
		}
		c = &counts{made: made}
		n.used[nonce] = c
	}
	if !c.free(nc) {
		return false
	}
	c.take(nc)
	return true
}

// forget makes room: all that are too old, or else the oldest one.
func (n *nonces) forget() {
	oldest := time.Now().Add(-nonceLife)
	for {
		for nonce, c := range n.used {
			if !c.made.After(oldest) {
				delete(n.used, nonce)
			}
		}
		if n.floor.Before(oldest) {
			n.floor = oldest
		}
		if len(n.used) < maxNonces {
			return
		}
		oldest = time.Now()
		for _, c := range n.used {
			if c.made.Before(oldest) {
				oldest = c.made
			}
		}
	}
}

// made checks the MAC and the age.
func (n *nonces) made(nonce string) (time.Time, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != nonceLen {
		return time.Time{}, false
	}
	want := n.mac(append(make([]byte, 0, nonceLen), b[:16]...))
	if !hmac.Equal(want, b) {
		return time.Time{}, false
	}
	made := time.Unix(0, int64(binary.BigEndian.Uint64(b)))
	age := time.Since(made)
	return made, age >= 0 && age < nonceLife
}

func (c *counts) free(nc uint32) bool {
	switch {
	case nc > c.highest:
		return true
	case c.highest-nc >= countWindow:
		return false
	}
	return c.seen[nc%countWindow/64]&(1<<(nc%64)) == 0
}

func (c *counts) take(nc uint32) {
	if nc > c.highest {
		if nc-c.highest >= countWindow {
			clear(c.seen[:])
		} else {
			for i := c.highest + 1; i < nc; i++ {
				c.seen[i%countWindow/64] &^= 1 << (i % 64)
			}
		}
		c.highest = nc
	}
	c.seen[nc%countWindow/64] |= 1 << (nc % 64)
}
