package garlic

import (
	"encoding/binary"
	"math"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/ratchet"
)

// A Clove is one I2NP message out of a garlic message. Message and Body are lent: they point into the opened
// payload and are valid until deliver returns.
type Clove struct {
	Delivery DeliveryInstructions
	Header   i2np.Header
	Message  []byte // the message in flight: short header (9 bytes) and body
	Body     []byte // Message without its header
	From     Origin
}

// A Kind says how a garlic message was encrypted.
type Kind uint8

const (
	KindExistingSession Kind = iota + 1
	KindNewSession           // bound: carries the sender's static key
	KindUnbound              // a New Session without a static key: nobody to answer
	KindNewSessionReply
	KindOneTime // under a key and tag of AddOneTime
	KindRouter  // Noise_N to a router
)

// Origin says who sent a clove. Static is zero unless the sender proved it (kinds ExistingSession, NewSession and
// NewSessionReply). Hash is the destination that owns Static, as far as the owner told Seal or Bind; zero if unknown.
type Origin struct {
	Kind   Kind
	Static keys.X25519Public
	Hash   i2p.Hash
}

// PrependClove turns b, which holds one message in flight, into a payload of one clove block, in place. It needs 4,
// 36 or 40 bytes of head room.
func PrependClove(b *buf.Buf, d DeliveryInstructions) error {
	n := d.Len() + b.Len()
	if b.HeadRoom() < ratchet.BlockHeader+d.Len() || n > math.MaxUint16 {
		return ErrNoRoom
	}
	putClove(b.Prepend(ratchet.BlockHeader+d.Len()), d, n)
	return nil
}

// AppendClove adds a clove block with the message in flight msg behind the payload in b. It needs 3 bytes, those of
// the delivery instructions and len(msg) of tail room.
func AppendClove(b *buf.Buf, d DeliveryInstructions, msg []byte) error {
	n := d.Len() + len(msg)
	if b.TailRoom() < ratchet.BlockHeader+n || n > math.MaxUint16 {
		return ErrNoRoom
	}
	putClove(b.Extend(ratchet.BlockHeader+d.Len()), d, n)
	b.Append(msg)
	return nil
}

func putClove(p []byte, d DeliveryInstructions, n int) {
	p[0] = byte(ratchet.BlockGarlicClove)
	binary.BigEndian.PutUint16(p[1:], uint16(n))
	d.Put(p[ratchet.BlockHeader:])
}
