package build

import (
	"bytes"
	"fmt"

	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2p"
)

// Reply reads the reply, which is modified: an OutboundTunnelBuildReply or VariableTunnelBuildReply for an outbound
// tunnel, for an inbound one the build message itself. There is a verdict for each hop: Agreed or a reason.
// The only error is ErrTampered; there are no verdicts then.
func (b *Pending) Reply(payload []byte) (verdicts []byte, err error) {
	if len(payload) != len(b.message) || payload[0] != b.message[0] {
		return nil, fmt.Errorf("%w: %d bytes", ErrTampered, len(payload))
	}
	records := payload[1:]
	verdicts = make([]byte, len(b.hops))
	for i := len(b.hops) - 1; i >= 0; i-- {
		h := &b.hops[i]
		rec := b.form.at(records, h.slot)
		clear, err := noise.Open(rec[:0], &h.keys.reply, b.form.replyNonce(h.slot), rec, h.keys.transcript[:])
		if err != nil {
			return nil, fmt.Errorf("%w: record of hop %d", ErrTampered, i)
		}
		verdicts[i] = clear[len(clear)-1]
		h.available = available(clear)
		l := newLayering(b.form, &h.keys)
		for _, earlier := range b.hops[:i] {
			l.decrypt(records, earlier.slot)
		}
	}
	for _, f := range b.fakes {
		if !bytes.Equal(b.form.at(records, f.slot), f.content) {
			return nil, fmt.Errorf("%w: record of no hop", ErrTampered)
		}
	}
	return verdicts, nil
}

// Available is the bandwidth that hop i offered in its reply, in KB per second, 0 if it said nothing.
func (b *Pending) Available(i int) uint32 { return b.hops[i].available }

// available reads option "b" of a reply: options, padding, and the verdict in the last byte.
func available(clear []byte) uint32 {
	m, _, err := i2p.ParseMapping(clear[:len(clear)-1])
	if err != nil {
		return 0
	}
	return kbps(m, "b")
}
