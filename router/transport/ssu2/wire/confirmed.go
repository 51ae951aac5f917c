package wire

import (
	"bytes"
	"fmt"
	"slices"
)

// checkConfirmed checks what is special about the payload of SessionConfirmed: RouterInfo is the first block ("Block Ordering
// Rules").
func checkConfirmed(payload []byte) error {
	if len(payload) < MinPayload || BlockType(payload[0]) != BlockRouterInfo {
		return fmt.Errorf("%w: SessionConfirmed does not start with RouterInfo", ErrMalformed)
	}
	return nil
}

// minFragment is the least that a fragment may have: its header's masks come from its own last 24 bytes.
const minFragment = MinPayload + TagLen

// splitConfirmed says how many of n bytes go into each packet. All but the last two are full.
func splitConfirmed(n, maxPacket int) ([]int, error) {
	room := maxPacket - ShortHeaderLen
	if room < 2*minFragment || n > room*MaxConfirmedFragments {
		return nil, fmt.Errorf("SessionConfirmed of %d bytes in packets of %d: %w", n, maxPacket, ErrTooLarge)
	}
	var sizes []int
	for ; n > room; n -= room {
		sizes = append(sizes, room)
	}
	if n < minFragment && len(sizes) > 0 {
		sizes[len(sizes)-1] -= minFragment - n
		n = minFragment
	}
	return append(sizes, n), nil
}

// A reassembly collects the fragments of one SessionConfirmed, none of which is authenticated before all are there. At most
// maxConfirmed bytes; a fragment that came already changes nothing; one that says another total starts over, so that a forged
// first one cannot lock the real ones out.
type reassembly struct {
	first Header // of fragment 0: the associated data of the whole
	parts [MaxConfirmedFragments][]byte
	total int
	have  int
	size  int
}

// add takes a fragment, which it copies, and returns the whole with the last one, having forgotten it. Otherwise whole is nil,
// and err may be.
func (r *reassembly) add(h Header, data []byte) (first Header, whole []byte, err error) {
	number, total := h.Fragment()
	if number >= total || len(data) < minFragment || len(data) > MaxPacket {
		return h, nil, fmt.Errorf("%w: %d of %d, %d bytes", ErrFragment, number, total, len(data))
	}
	if r.total != total {
		*r = reassembly{total: total}
	}
	if r.parts[number] != nil {
		return h, nil, nil
	}
	if r.size+len(data) > maxConfirmed {
		*r = reassembly{}
		return h, nil, fmt.Errorf("%w: more than %d bytes", ErrFragment, maxConfirmed)
	}
	r.parts[number] = bytes.Clone(data)
	r.have, r.size = r.have+1, r.size+len(data)
	if number == 0 {
		r.first = h
	}
	if r.have < r.total {
		return h, nil, nil
	}
	first, whole = r.first, slices.Concat(r.parts[:total]...)
	*r = reassembly{}
	return first, whole, nil
}
