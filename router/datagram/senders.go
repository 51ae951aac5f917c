package datagram

import (
	"encoding/binary"
	"sync"

	"clove.i2p/router/i2p"
)

// senders remembers the Destinations of those who signed what they sent, by their bytes, so that they are parsed once and
// take memory once.
type senders struct {
	mu    sync.RWMutex
	known map[string]*i2p.Destination
}

func newSenders() senders { return senders{known: make(map[string]*i2p.Destination)} }

// parse is i2p.ParseDestination, without an allocation for those that are known.
func (s *senders) parse(b []byte) (*i2p.Destination, []byte, error) {
	if n := destinationLen(b); n <= len(b) {
		s.mu.RLock()
		d := s.known[string(b[:n])]
		s.mu.RUnlock()
		if d != nil {
			return d, b[n:], nil
		}
	}
	return i2p.ParseDestination(b)
}

// destinationLen is how long a Destination at the start of b has to be, going by its certificate: keys and padding 384,
// type 1, length 2 (Common Structures, KeysAndCert).
func destinationLen(b []byte) int {
	const fields = 384
	if len(b) < fields+3 {
		return fields + 3
	}
	return fields + 3 + int(binary.BigEndian.Uint16(b[fields+1:]))
}

// keep remembers a sender. When there are too many, one of them makes room.
func (s *senders) keep(d *i2p.Destination) {
	s.mu.RLock()
	known := s.known[string(d.Bytes())] != nil
	s.mu.RUnlock()
	if known {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxSenders {
		for k := range s.known { // in random order
			delete(s.known, k)
			break
		}
	}
	s.known[string(d.Bytes())] = d
}
