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
	flight, msg, err := p.check(b)
	if err != nil {
		return err
	}
	p.layer.Encrypt(msg)
	putFlight(flight, p.nextTunnel, now)
	return nil
}

// check lends the message and its layered part if it is one that was not seen before.
func (p *Participant) check(b *buf.Buf) (flight, msg []byte, err error) {
	flight = b.Bytes()
	if _, msg, err = ParseID(flight); err != nil {
		return nil, nil, err
	}
	if p.seen.add(msg) {
		return nil, nil, ErrDuplicate
	}
	return flight, msg, nil
}

// A Batch is the work of participants on several messages, which together take a fraction of the time that they take
// one by one. Between Add and Run the participants may not be used otherwise. The zero value is ready; it keeps its
// scratch.
type Batch struct {
	jobs    []layer.Job
	flights []addressed
}

type addressed struct {
	flight []byte
	next   i2p.TunnelID
}

// Add checks a message as Process does, with the same errors, and puts the rest off until Run. The buffer is lent until
// then.
func (w *Batch) Add(p *Participant, b *buf.Buf) error {
	flight, msg, err := p.check(b)
	if err != nil {
		return err
	}
	w.jobs = append(w.jobs, layer.Job{Cipher: p.layer, Msg: msg})
	w.flights = append(w.flights, addressed{flight, p.nextTunnel})
	return nil
}

// Run does what was put off.
func (w *Batch) Run(now time.Time) {
	layer.EncryptBatch(w.jobs)
	for _, f := range w.flights {
		putFlight(f.flight, f.next, now)
	}
	clear(w.jobs)
	clear(w.flights)
	w.jobs, w.flights = w.jobs[:0], w.flights[:0]
}

// FilterBytes is the memory of the duplicate filter.
func (p *Participant) FilterBytes() int { return p.seen.bytes() }
