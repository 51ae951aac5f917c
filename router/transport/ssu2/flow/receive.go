package flow

import (
	"encoding/binary"
	"fmt"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/transport/ssu2/wire"
)

// Receive takes the payload of one authentic packet. Duplicates are dropped and give no error. An error is a violation of the protocol,
// *ProtocolError with the reason to give to the peer, or what the Handler returned; what came before it in the packet was handled. Blocks that break the
// rules of order or size are an error before any of them is handled.
func (f *Flow) Receive(now time.Time, number uint32, immediate bool, payload []byte, to Handler) error {
	t := f.tick(now)
	if f.closed {
		return nil
	}
	blocks, err := wire.ParseBlocks(payload)
	if err != nil {
		return malformed(err)
	}
	before := f.in.highest
	if !f.in.add(number) {
		f.stats.DuplicatePackets++
		return nil
	}
	f.stats.PacketsIn++
	f.stats.BytesIn += uint64(len(payload))
	asks := immediate // i2pd and Java ack any packet with the flag, whatever is in it
	for blocks.Next() {
		asks = asks || eliciting(blocks.Type)
		if err = f.block(t, blocks.Type, blocks.Body, &immediate, to); err != nil {
			break
		}
	}
	f.acks.packet(t, number, before, asks, immediate, &f.rtt)
	return err
}

// Confirmed takes the blocks of SessionConfirmed that are as in the data phase. It is packet 0, which New has booked.
func (f *Flow) Confirmed(now time.Time, blocks wire.Blocks, to Handler) error {
	t := f.tick(now)
	for immediate := false; !f.closed && blocks.Next(); {
		if err := f.block(t, blocks.Type, blocks.Body, &immediate, to); err != nil {
			return err
		}
	}
	return nil
}

func (f *Flow) block(t instant, kind wire.BlockType, body []byte, immediate *bool, to Handler) error {
	var err error
	switch kind {
	case wire.BlockPadding:
	case wire.BlockI2NP:
		return f.message(t, body, to)
	case wire.BlockFirstFragment:
		return f.firstFragment(t, body, to)
	case wire.BlockFollowOnFragment:
		return f.followOnFragment(t, body, to)
	case wire.BlockAck:
		if err = f.onAck(t, body); err == nil {
			f.pace(t)
		}
	case wire.BlockCongestion:
		var flags wire.CongestionFlags
		flags, err = wire.ParseCongestion(body)
		if flags&wire.CongestionImmediateAck != 0 {
			*immediate = true
		}
		if flags&wire.CongestionECN != 0 {
			f.cc.ecn(t)
		}
	case wire.BlockPathResponse:
		if !f.ponged(t, body) {
			return to.Block(kind, body)
		}
	default:
		return to.Block(kind, body)
	}
	if err != nil {
		return malformed(err)
	}
	return nil
}

func malformed(err error) error {
	return &ProtocolError{Reason: wire.ReasonPayloadFormat, Err: err}
}

// message takes an I2NP block.
func (f *Flow) message(t instant, body []byte, to Handler) error {
	if len(body) < i2np.ShortHeaderLen {
		return malformed(fmt.Errorf("I2NP block of %d bytes", len(body)))
	}
	if id := binary.BigEndian.Uint32(body[1:]); f.isNew(t, id) {
		f.stats.MessagesIn++
		to.Message(buf.From(body))
	}
	return nil
}

// isNew reports whether a message was not delivered yet, and remembers that it was.
func (f *Flow) isNew(t instant, id uint32) bool {
	if f.seen.seen(id) {
		f.stats.DuplicateMessages++
		return false
	}
	f.seen.add(t, id)
	return true
}

func (f *Flow) firstFragment(t instant, body []byte, to Handler) error {
	if len(body) <= i2np.ShortHeaderLen {
		return malformed(fmt.Errorf("FirstFragment of %d bytes", len(body)))
	}
	f.fragment(t, binary.BigEndian.Uint32(body[1:]), 0, false, body, to)
	return nil
}

func (f *Flow) followOnFragment(t instant, body []byte, to Handler) error {
	p, err := wire.ParseFollowOnFragment(body)
	if err != nil {
		return malformed(err)
	}
	f.fragment(t, p.MessageID, p.Number, p.Last, p.Data, to)
	return nil
}

func (f *Flow) fragment(t instant, id uint32, number int, last bool, data []byte, to Handler) {
	if len(data) > buf.Small {
		return // longer than any packet
	}
	if f.seen.seen(id) {
		return // sent again after the message was complete
	}
	if m := f.parts.add(t, id, number, last, data); m != nil {
		f.seen.add(t, id)
		f.stats.MessagesIn++
		to.Message(m)
	}
}
