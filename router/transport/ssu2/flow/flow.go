package flow

import (
	"errors"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/wire"
)

// A Handler takes what the packets of one session bring, in the order of the blocks.
type Handler interface {
	// Message takes one complete I2NP message, 9 bytes of short header and the payload; the buffer moves.
	Message(m *buf.Buf)
	// Block takes every other block except Ack, Congestion and Padding. The body is lent. An error ends Receive, which returns
	// it.
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
	// MTU is a size of IP packets that is known to pass, 0: 1280. It is clamped to 1280 to MaxMTU.
	MTU int
	// MaxMTU is the least of what our link and the peer's published mtu allow, 0: 1500. With Discover the flow probes up to it.
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
	// Seed varies the lengths of padding.
	Seed uint64
}

// A Flow is the reliability of one session. See the package documentation.
type Flow struct{}

// ErrDead means that the peer acked nothing for too long, ErrExhausted that the packet numbers are used up.
var (
	ErrDead      = errors.New("ssu2: peer acks nothing")
	ErrExhausted = errors.New("ssu2: packet numbers used up")
)

// New returns the flow of a session that was just established.
func New(c Config) *Flow { return &Flow{} }

// Queue queues messages, whose buffers move. It returns how many it took, from the first; the rest, the newest, did not fit and were
// released.
func (f *Flow) Queue(now time.Time, msgs []*buf.Buf) int { return 0 }

// Control queues one whole block with its header, which is copied, in front of all messages. A reliable one is sent again until it is
// acked. It reports whether there was room. A Termination block goes out with the next packet, and nothing after it.
func (f *Flow) Control(now time.Time, block []byte, reliable bool) bool { return false }

// AckNow makes the next Fill give an ack, as for a repeated SessionConfirmed.
func (f *Flow) AckNow(now time.Time) {}

// Fill writes the payload of the next packet to the front of payload, which has room for MaxPayloadSize bytes, and returns its packet number,
// its length and the immediate-ack flag; ok is false if there is nothing to send, or not yet: see Deadline.
//
// Full packets have PayloadSize bytes. A shorter one ends a train of equal packets, and so does a longer one, a probe of the path's MTU, that
// goes alone.
func (f *Flow) Fill(now time.Time, payload []byte) (number uint32, n int, immediate, ok bool) {
	return 0, 0, false, false
}

// FillDirect is Fill for a packet off the path, like a PathChallenge to an address that is not validated: the given blocks, an ack and padding. It is
// neither congestion controlled nor sent again.
func (f *Flow) FillDirect(now time.Time, payload, blocks []byte) (number uint32, n int, ok bool) {
	return 0, 0, false
}

// PayloadSize is the payload of a full packet on the path as it is known now.
func (f *Flow) PayloadSize() int { return 0 }

// MaxPayloadSize is the longest payload that Fill may write: that of a probe.
func (f *Flow) MaxPayloadSize() int { return 0 }

// MTU is the size of IP packets that PayloadSize fills.
func (f *Flow) MTU() int { return 0 }

// Receive takes the payload of one authentic packet. Duplicates are dropped and give no error. An error is a violation of the protocol,
// *ProtocolError with the reason to give to the peer, or what the Handler returned; what came before it in the packet was handled.
func (f *Flow) Receive(now time.Time, number uint32, immediate bool, payload []byte, to Handler) error {
	return nil
}

// Deadline is when Fill is to be called without any other event: now or in the past if there is something to send at once; zero if there is
// nothing to wait for.
func (f *Flow) Deadline() time.Time { return time.Time{} }

// Failed returns ErrDead or ErrExhausted when the session is to be closed. Call it when a Deadline has passed.
func (f *Flow) Failed(now time.Time) error { return nil }

// Unsent tells that the packets first to last were not sent. tooLong means that the system refused them for their length (EMSGSIZE): the MTU falls
// back at once.
func (f *Flow) Unsent(now time.Time, first, last uint32, tooLong bool) {}

// Rebase starts over on a new path: congestion window, round trip time and MTU. What is in flight is not declared lost.
func (f *Flow) Rebase(now time.Time, ipv6 bool) {}

// Constrain holds the congestion window and the MTU at their least while a path is validated.
func (f *Flow) Constrain(now time.Time, on bool) {}

// Idle reports whether nothing is queued and nothing waits for an ack.
func (f *Flow) Idle() bool { return true }

// Queued is the number of messages that wait, wholly or in part, to be sent or acked.
func (f *Flow) Queued() int { return 0 }

// Received is the number of valid packets received, for a Termination block.
func (f *Flow) Received() uint64 { return 0 }

// Close releases every buffer. The flow takes and gives nothing afterwards.
func (f *Flow) Close() {}
