package flow

import (
	"errors"
	"math"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/wire"
)

// A Handler takes what the packets of one session bring, in the order of the blocks.
type Handler interface {
	// Message takes one complete I2NP message, 9 bytes of short header and the payload; the buffer moves.
	Message(m *buf.Buf)
	// Block takes every other block except Ack, Congestion, Padding and answers to pings of the flow. The body is lent. An error ends Receive, which
	// returns it.
	Block(t wire.BlockType, body []byte) error
}

// Config describes the session at its start.
type Config struct {
	Now time.Time
	// Initiator says that our SessionConfirmed was number 0, so that the next packet is number 1. The responder starts with an
	// immediate ack of number 0.
	Initiator bool
	// IPv6 says how much of the MTU the headers take: 80 bytes instead of 60.
	IPv6 bool
	// MTU is a size of IP packets that is known to pass, clamped to 1280 to MaxMTU; 0 is 1280, from where Discover goes on: of a new session no more is known.
	MTU int
	// MaxMTU is the least of what our link and the peer's published mtu allow, 0: 1500. With Discover the flow probes up to it, for which the socket must
	// not fragment.
	MaxMTU   int
	Discover bool
	// RTT is what the handshake measured, 0 if nothing.
	RTT time.Duration
	// Send bounds the send queues of all sessions together, nil: no bound.
	Send *Budget
	// Assembly is likewise for incomplete messages.
	Assembly *Budget
	// RouterTime turns a now into router time, to which expirations are compared; nil: they are the same.
	RouterTime func(now time.Time) time.Time
	// Seed varies the lengths of padding, and where message ids are kept: it is not to be guessed.
	Seed uint64
}

// An instant is the time since the flow began.
type instant = time.Duration

const (
	never = instant(math.MaxInt64)
	// lastNumber is from where on packets carry nothing but a Termination, for which that leaves numbers.
	lastNumber = math.MaxUint32 - 1<<16
	// leastFill is the least room that Fill uses: the smallest sensible train.
	leastFill = 32
)

// ErrDead means that the peer acked nothing for too long, ErrExhausted that the packet numbers are used up.
var (
	ErrDead      = errors.New("ssu2: peer acks nothing")
	ErrExhausted = errors.New("ssu2: packet numbers used up")
)

// A Flow is the reliability of one session: see the package documentation. It belongs to the lock of its session.
type Flow struct {
	epoch      time.Time
	now        instant // of the latest call; does not go back
	routerTime func(time.Time) time.Time
	seed       uint64

	queue sendQueue
	sent  sentLog
	loss  lossDetector
	rtt   rttEstimator
	cc    controller
	pacer pacer
	mtu   discovery

	in    received
	acks  ackTimer
	parts assembly
	seen  delivered

	pingKey     uint64
	pinging     bool    // Ping was called
	copied      uint32  // where the next probe looks for blocks
	packet      int     // payload of a full packet that congestion control knows
	path        instant // packets sent later are on the path of now
	active      instant // when something was tracked last
	trimmed     bool    // memory was given back
	full        bool    // the window was, and has not opened much since
	termination []byte
	ended       bool // the Termination was sent
	closed      bool
	stats       Stats
	ranges      [maxAckRanges]wire.AckRange
}

// New returns the flow of a session that was just established.
func New(c Config) *Flow {
	f := &Flow{epoch: c.Now, routerTime: c.RouterTime, seed: c.Seed, pingKey: mix(c.Seed ^ 0x70696E67), loss: newLossDetector(), trimmed: true}
	f.sent.freeRef = -1
	f.seen = newDelivered(mix(^c.Seed))
	f.queue = sendQueue{budget: c.Send, expired: &f.stats.DroppedExpired, dropped: &f.stats.DroppedDivided}
	f.parts = assembly{pieces: pieces{budget: c.Assembly}, dropped: &f.stats.DroppedPartial}
	most := CeilingMTU
	if c.MaxMTU != 0 {
		most = min(max(c.MaxMTU, FloorMTU), CeilingMTU)
	}
	f.mtu = newDiscovery(c.Discover, overhead(c.IPv6), min(max(c.MTU, FloorMTU), most), most)
	f.packet = f.mtu.payload()
	f.cc = newCubic(f.packet)
	f.acks.at = never
	if c.Initiator {
		f.sent.base, f.sent.next = 1, 1
	} else {
		f.in.add(0)
		f.acks.news, f.acks.at = true, 0
	}
	if c.RTT > 0 {
		f.rtt.sample(0, c.RTT)
		f.cc.sample(0, c.RTT)
	}
	f.path = -1
	f.pacer.tokens = math.MaxInt32
	f.pace(0)
	return f
}

func overhead(ipv6 bool) int {
	if ipv6 {
		return overhead6
	}
	return overhead4
}

// tick is the time of a call.
func (f *Flow) tick(now time.Time) instant {
	f.now = max(f.now, now.Sub(f.epoch))
	return f.now
}

// Queue queues messages, whose buffers move. It returns how many it took, from the first; the rest, the newest, did not fit and were
// released.
func (f *Flow) Queue(now time.Time, msgs []*buf.Buf) int {
	t := f.tick(now)
	took := 0
	if !f.closed && !f.ended && f.termination == nil {
		router := now
		if f.routerTime != nil {
			router = f.routerTime(now)
		}
		for _, b := range msgs {
			if !f.queue.put(t, router, b) {
				break
			}
			took++
		}
		f.active, f.trimmed = t, false
	}
	f.stats.DroppedFull += uint64(len(msgs) - took)
	for _, b := range msgs[took:] {
		b.Release()
	}
	return took
}

// Control queues one whole block with its header, which is copied, in front of all messages. A reliable one is sent again until it is
// acked, for some seconds. It reports whether there was room: for 64 blocks, each of ControlSize bytes at most. A Termination block goes out with the next
// packet, and nothing after it, except another Termination.
func (f *Flow) Control(now time.Time, block []byte, reliable bool) bool {
	t := f.tick(now)
	if f.closed || len(block) < wire.BlockHeaderLen || len(block) > f.floor() {
		return false
	}
	kind := wire.BlockType(block[0])
	if kind == wire.BlockTermination {
		f.termination = append([]byte(nil), block[:min(len(block), leastFill)]...)
		f.ended = false
		return true
	}
	if f.ended || f.termination != nil || !f.queue.putControl(t, block, reliable && eliciting(kind)) {
		return false
	}
	f.active, f.trimmed = t, false
	return true
}

// AckNow makes the next Fill give an ack, as for a repeated SessionConfirmed.
func (f *Flow) AckNow(now time.Time) {
	if t := f.tick(now); f.in.any {
		f.acks.news, f.acks.at = true, t
	}
}

// ControlSize is the longest block that Control takes: it fits every path.
func (f *Flow) ControlSize() int { return f.floor() }

// floor is the payload that fits every path.
func (f *Flow) floor() int { return FloorMTU - f.mtu.overhead }

// PayloadSize is the payload of a full packet on the path as it is known now.
func (f *Flow) PayloadSize() int { return f.mtu.payload() }

// pace follows the window.
func (f *Flow) pace(t instant) {
	if size := f.mtu.payload(); size != f.packet {
		f.packet = size
		f.cc.resize(size)
	}
	f.pacer.set(t, f.cc.window(), f.mtu.payload(), f.rtt.current(), f.cc.slowStart())
}

// Idle reports whether nothing is queued and nothing waits for an ack.
func (f *Flow) Idle() bool { return f.sent.packets == 0 && f.queue.messages+f.queue.controls == 0 }

// Queued is the number of messages that wait, wholly or in part, to be sent or acked.
func (f *Flow) Queued() int { return f.queue.messages }

// Received is the number of valid packets received, for a Termination block.
func (f *Flow) Received() uint64 { return f.in.count }

// Close releases every buffer. The flow takes and gives nothing afterwards.
func (f *Flow) Close() {
	f.closed = true
	f.queue.close()
	f.parts.close()
	f.sent.ring, f.sent.refs, f.sent.freeRef, f.sent.base = nil, nil, -1, f.sent.next
	f.sent.bytes, f.sent.packets = 0, 0
	f.seen = delivered{}
}

// random is splitmix64: for padding and pings, which are sealed.
func (f *Flow) random() uint64 {
	f.seed += 0x9E3779B97F4A7C15
	return mix(f.seed)
}

// mix is the hash of splitmix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
