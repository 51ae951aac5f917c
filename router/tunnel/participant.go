package tunnel

import (
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/layer"
	"clove.i2p/router/i2p"
)

// A Participant is a hop in the middle of a tunnel. It is not safe for concurrent use.
type Participant struct {
	next       i2p.Hash
	nextTunnel i2p.TunnelID
	layer      *layer.Cipher
	seen       filter
}

// NewParticipant returns a hop whose messages go to nextTunnel at next.
func NewParticipant(next i2p.Hash, nextTunnel i2p.TunnelID, l *layer.Cipher) *Participant {
	return &Participant{next: next, nextTunnel: nextTunnel, layer: l}
}

// Next is the router that gets the messages.
func (p *Participant) Next() i2p.Hash { return p.next }

// Process puts the layer on a TunnelData message in flight and addresses it to the next hop, in place. After an
// error, ErrMalformed or ErrDuplicate, b is unchanged and still the caller's.
func (p *Participant) Process(b *buf.Buf, now time.Time) error {
	flight := b.Bytes()
	_, msg, err := ParseID(flight)
	if err != nil {
		return err
	}
	if p.seen.add(msg) {
		return ErrDuplicate
	}
	p.layer.Encrypt(msg)
	putFlight(flight, p.nextTunnel, now)
	return nil
}

// FilterBytes is the memory of the duplicate filter.
func (p *Participant) FilterBytes() int { return p.seen.bytes() }
