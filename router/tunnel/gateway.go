package tunnel

import (
	crand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/layer"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// Mode tells whose layers a role handles.
type Mode uint8

const (
	// Creator is the role of the tunnel's creator: all layers, with Decrypt.
	Creator Mode = iota
	// Transit is the role of a hop: its own layer, with Encrypt.
	Transit
)

// A Gateway is the first hop of a tunnel: it packs messages into tunnel messages and puts the layers on. It is
// not safe for concurrent use.
type Gateway struct {
	next       i2p.Hash
	nextTunnel i2p.TunnelID
	layers     []*layer.Cipher
	mode       Mode
	random     *rand.ChaCha8 // IV and padding
	open       *buf.Buf      // the tunnel message that is being filled
	used       int           // bytes of its room
	stats      GatewayStats
}

// GatewayStats counts what went into a tunnel.
type GatewayStats struct {
	Messages       uint64
	TunnelMessages uint64
	Refused        uint64 // messages that are none: too short or too long
}

// Outgoing is a message for a Gateway.
type Outgoing struct {
	Delivery Delivery
	Message  []byte // in flight; lent
	Standard bool   // Message is not in flight, but has the standard header (ParseGateway), which stays as it is
}

// NewGateway returns the gateway of a tunnel whose messages go to nextTunnel at next. Creator: an outbound tunnel of
// ours, layers from the first hop to the last. Transit: an inbound gateway, one layer.
func NewGateway(next i2p.Hash, nextTunnel i2p.TunnelID, layers []*layer.Cipher, mode Mode) *Gateway {
	var seed [32]byte
	crand.Read(seed[:])
	return &Gateway{next: next, nextTunnel: nextTunnel, layers: layers, mode: mode, random: rand.NewChaCha8(seed)}
}

// Next is the router that gets the messages.
func (g *Gateway) Next() i2p.Hash { return g.next }

// Stats is a snapshot of the counters.
func (g *Gateway) Stats() GatewayStats { return g.stats }

// Append appends to out the tunnel messages, in flight, that carry one message. What is no message in flight
// (i2np.ParseShort) appends nothing.
func (g *Gateway) Append(out []*buf.Buf, d Delivery, msg []byte, now time.Time) []*buf.Buf {
	return g.flush(g.add(out, &Outgoing{Delivery: d, Message: msg}, now), now)
}

// AppendBatch is Append for several messages, in order, in as few tunnel messages as possible.
func (g *Gateway) AppendBatch(out []*buf.Buf, msgs []Outgoing, now time.Time) []*buf.Buf {
	for i := range msgs {
		out = g.add(out, &msgs[i], now)
	}
	return g.flush(out, now)
}

// A source is the standard form of a message, read front to back.
type source struct {
	header  [i2np.StandardHeaderLen]byte
	payload []byte
	at      int
}

func newSource(m *Outgoing) (s source, err error) {
	if m.Standard {
		if _, err := parseStandard(m.Message); err != nil {
			return s, err
		}
		copy(s.header[:], m.Message)
		s.payload = m.Message[i2np.StandardHeaderLen:]
		return s, nil
	}
	h, payload, err := i2np.ParseShort(m.Message)
	if err != nil {
		return s, err
	}
	h.PutStandard(s.header[:], payload)
	s.payload = payload
	return s, nil
}

func (s *source) left() int { return len(s.header) + len(s.payload) - s.at }

// read fills b, which is not longer than what is left.
func (s *source) read(b []byte) {
	n := 0
	if s.at < len(s.header) {
		n = copy(b, s.header[s.at:])
	}
	if n < len(b) {
		copy(b[n:], s.payload[s.at+n-len(s.header):])
	}
	s.at += len(b)
}

// add packs one message behind what is already in the open tunnel message.
func (g *Gateway) add(out []*buf.Buf, m *Outgoing, now time.Time) []*buf.Buf {
	src, err := newSource(m)
	if err != nil {
		g.stats.Refused++
		return out
	}
	g.stats.Messages++

	d := &m.Delivery
	instructions := d.len()
	whole := instructions + 2 + src.left()
	first := instructions + 6 // of a fragmented message
	if g.used > 0 && whole > roomLen-g.used && !worthSplit(src.left(), whole, first, roomLen-g.used) {
		out = g.flush(out, now)
	}
	if whole <= roomLen-g.used {
		b := g.extend(instructions + 2 + src.left())
		d.put(b)
		binary.BigEndian.PutUint16(b[instructions:], uint16(src.left()))
		src.read(b[instructions+2:])
		return out
	}

	id := uint32(i2np.NewMessageID()) // the message's own would let senders collide in a gateway for others
	b := g.extend(roomLen - g.used)
	d.put(b)
	b[0] |= flagFragmented
	binary.BigEndian.PutUint32(b[instructions:], id)
	binary.BigEndian.PutUint16(b[instructions+4:], uint16(len(b)-first))
	src.read(b[first:])
	for number := 1; src.left() > 0; number++ {
		out = g.flush(out, now)
		n := min(src.left(), followRoom)
		b := g.extend(followLen + n)
		b[0] = flagFollow | byte(number)<<1
		if n == src.left() {
			b[0] |= 1
		}
		binary.BigEndian.PutUint32(b[1:], id)
		binary.BigEndian.PutUint16(b[5:], uint16(n))
		src.read(b[followLen:])
	}
	return out
}

// worthSplit reports whether a message should begin in the rest of the open tunnel message: only if that saves one,
// because each further fragment is one more that can be lost.
func worthSplit(size, whole, first, room int) bool {
	if room < first+minSplit {
		return false
	}
	fresh := 1
	if whole > roomLen {
		fresh += follows(size - (roomLen - first))
	}
	return follows(size-(room-first)) < fresh
}

// follows is the number of follow-on fragments for n bytes.
func follows(n int) int { return (n + followRoom - 1) / followRoom }

// extend lends the next n bytes of room.
func (g *Gateway) extend(n int) []byte {
	if g.open == nil {
		// The room grows behind a gap of one message in flight; flush moves the start of the message up to
		// it, so that nothing is copied whatever the padding.
		g.open = buf.Get()
		g.open.Extend(FlightSize)
	}
	g.used += n
	return g.open.Extend(n)
}

// flush finishes the open tunnel message, if any.
func (g *Gateway) flush(out []*buf.Buf, now time.Time) []*buf.Buf {
	if g.open == nil {
		return out
	}
	b, used := g.open, g.used
	g.open, g.used = nil, 0
	g.stats.TunnelMessages++
	b.TrimFront(used)
	flight := b.Bytes()
	putFlight(flight, g.nextTunnel, now)
	msg := flight[i2np.ShortHeaderLen+idLen:]
	iv, data := msg[:ivLen], msg[ivLen:]
	g.random.Read(iv)
	room := data[dataLen-used:]
	sum := checksum(room, iv)
	copy(data, sum[:])
	g.pad(data[checksumLen : dataLen-used-1])
	data[dataLen-used-1] = 0
	if g.mode == Transit {
		g.layers[0].Encrypt(msg)
	} else {
		for i := len(g.layers) - 1; i >= 0; i-- {
			g.layers[i].Decrypt(msg)
		}
	}
	return append(out, b)
}

// pad fills b with random bytes other than 0.
func (g *Gateway) pad(b []byte) {
	for len(b) > 0 {
		r := g.random.Uint64()
		if (r-0x0101010101010101)&^r&0x8080808080808080 != 0 {
			continue // holds a zero byte: 3 % do
		}
		var eight [8]byte
		binary.LittleEndian.PutUint64(eight[:], r)
		b = b[copy(b, eight[:]):]
	}
}
