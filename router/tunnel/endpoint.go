package tunnel

import (
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/layer"
)

// An Endpoint is the last hop of a tunnel: it takes the layers off and puts messages together from fragments. It is
// not safe for concurrent use.
type Endpoint struct {
	layers []*layer.Cipher
	mode   Mode
	seen   filter
	reassembly
}

// NewEndpoint returns the endpoint of a tunnel. Creator: an inbound tunnel of ours, layers from the gateway to the
// hop next to us. Transit: an outbound endpoint, one layer.
func NewEndpoint(layers []*layer.Cipher, mode Mode) *Endpoint {
	return NewEndpointWithin(nil, layers, mode)
}

// NewEndpointWithin is NewEndpoint for one of many endpoints with a common budget. Close gives back what it took.
func NewEndpointWithin(budget *Budget, layers []*layer.Cipher, mode Mode) *Endpoint {
	return &Endpoint{layers: layers, mode: mode, reassembly: newReassembly(mode == Transit, budget)}
}

// Process takes a tunnel message without its id (LayeredSize bytes, lent, overwritten) and hands each message that it
// completes to deliver, which owns it, with its delivery. A creator gets it in flight; an outbound endpoint (Transit) with
// the standard header that it came with, to pass it on (WrapStandard, Shorten). The error is ErrDuplicate, ErrChecksum
// or ErrMalformed; messages in front of a malformed fragment have been delivered then.
func (e *Endpoint) Process(msg []byte, now time.Time, deliver func(d Delivery, msg *buf.Buf)) error {
	if len(msg) != LayeredSize {
		return ErrMalformed
	}
	if e.seen.add(msg) {
		e.stats.Duplicates++
		return ErrDuplicate
	}
	if e.mode == Transit {
		e.layers[0].Encrypt(msg)
	} else {
		for i := len(e.layers) - 1; i >= 0; i-- {
			e.layers[i].Decrypt(msg)
		}
	}
	room, err := openClear(msg)
	if err != nil {
		e.stats.BadChecksum++
		return err
	}
	e.drop(now)
	for len(room) > 0 {
		var f fragment
		if f, room, err = parseFragment(room); err != nil {
			e.stats.Malformed++
			return err
		}
		if d, b := e.add(&f, now); b != nil {
			e.stats.Messages++
			deliver(d, b)
		}
	}
	return nil
}

// Expire forgets the fragments of messages that will not be completed. Process does so too; an owner calls it for
// tunnels that went quiet.
func (e *Endpoint) Expire(now time.Time) { e.drop(now) }

// Close releases what the endpoint holds. It may not be used any more.
func (e *Endpoint) Close() { e.clear() }

// Stats is a snapshot of the counters.
func (e *Endpoint) Stats() EndpointStats { return e.stats }

// FilterBytes is the memory of the duplicate filter.
func (e *Endpoint) FilterBytes() int { return e.seen.bytes() }

// EndpointStats counts what an endpoint delivered and why it did not.
type EndpointStats struct {
	Messages    uint64 // delivered
	Duplicates  uint64 // tunnel messages seen before
	BadChecksum uint64 // tunnel messages
	Malformed   uint64 // tunnel messages and messages
	Repeated    uint64 // fragments that were there already
	Expired     uint64 // messages whose fragments did not come in time
	Evicted     uint64 // messages given up for newer ones
}
