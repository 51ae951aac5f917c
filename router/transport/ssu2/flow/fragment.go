package flow

import (
	"encoding/binary"

	"clove.i2p/router/transport/ssu2/wire"
)

// Fragments of one message are equally long, but for a byte or so, rather than as long as possible ("I2NP Message Fragmentation"): their packets make one
// train, no packet has a few bytes only, and after the MTU fell it is plain whether any of them can have arrived.
//
// They are sent in order. The specification recommends the last one first, so that the receiver knows the size; but i2pd (2.58) passes a message of three and
// more fragments on without its header when it is a follow-on fragment other than the last that completes it.

// divide decides on the fragments for payloads of size bytes. It is not changed on resends, as the receiver does not learn offsets.
func (m *outMessage) divide(size int) {
	length := m.b.Len()
	if m.control || wire.BlockHeaderLen+length <= size {
		m.n, m.part = 1, uint16(length)
		return
	}
	most := size - wire.BlockHeaderLen - wire.FollowOnHeaderLen - fragmentSpare
	n := (length + most - 1) / most
	m.n, m.part = uint8(n), uint16((length+n-1)/n)
}

// data is one fragment's.
func (m *outMessage) data(frag uint8) []byte {
	b := m.b.Bytes()
	from := int(frag) * int(m.part)
	return b[from:min(from+int(m.part), len(b))]
}

// blockLen is the size of a fragment's block.
func (m *outMessage) blockLen(frag uint8) int {
	n := len(m.data(frag))
	switch {
	case m.control:
		return n
	case frag > 0:
		n += wire.FollowOnHeaderLen
	}
	return wire.BlockHeaderLen + n
}

// appendBlock appends a fragment's block.
func (m *outMessage) appendBlock(dst []byte, frag uint8) []byte {
	data := m.data(frag)
	switch {
	case m.control:
		return append(dst, data...)
	case m.n == 1:
		return wire.AppendI2NP(dst, data)
	case frag == 0:
		return wire.AppendFirstFragment(dst, data)
	}
	return append(m.followOn(frag).AppendHeader(dst, len(data)), data...)
}

// followOn is what comes before the data of a follow-on fragment.
func (m *outMessage) followOn(frag uint8) wire.FollowOnFragment {
	return wire.FollowOnFragment{
		Number: int(frag), Last: frag == m.n-1, MessageID: binary.BigEndian.Uint32(m.b.Bytes()[1:]),
	}
}
