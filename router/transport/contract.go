package transport

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
)

// Handler takes what peers send.
type Handler interface {
	// Messages takes one batch from a peer. The slice is lent, the buffers move. It runs on the goroutine that
	// reads the session, so that a slow handler slows its peer down.
	Messages(from i2p.Hash, msgs []*buf.Buf)
	// RouterInfo takes a verified RouterInfo that a peer sent outside of I2NP: its own in a handshake, or any
	// later. With flood set, the peer asks for it to be flooded.
	RouterInfo(from i2p.Hash, ri *i2p.RouterInfo, flood bool)
}

// Lookup finds the RouterInfo of a router that is to be dialled.
type Lookup func(ctx context.Context, router i2p.Hash) (*i2p.RouterInfo, error)

// Peers learns how it went with whom.
type Peers interface {
	Connected(peer i2p.Hash)
	Failed(peer i2p.Hash, err error)
}

// A Transport opens sessions of one style. It should be a Bidder as well, and report violations; see Bidder and Violation.
type Transport interface {
	// Style is the style of its RouterAddresses: "NTCP2" or "SSU2".
	Style() string
	// Addresses are the RouterAddresses to publish, at any time between New and the end of Serve.
	Addresses() []i2p.RouterAddress
	// Reachable reports whether ri has an address that Dial could use.
	Reachable(ri *i2p.RouterInfo) bool
	// Dial opens a session with the router of ri and reports it with Registry.Opened before it returns. It
	// works only while Serve runs; otherwise it returns ErrClosed. It ends soon after ctx does, without a session; ctx means
	// nothing to a session that was opened. Sessions with other routers that it opens on the way, as with introducers, it reports with
	// OpenedBy.
	Dial(ctx context.Context, ri *i2p.RouterInfo) (Session, error)
	// Serve accepts and runs sessions until ctx ends. It returns after the last goroutine of the last session.
	Serve(ctx context.Context, r Registry) error
}

// A Session is a live link with one peer.
type Session interface {
	Peer() i2p.Hash
	Direction() Direction
	// Send queues messages, whose buffers move, and never blocks. It returns how many it took, from the first;
	// the rest did not fit, or the session is closed, and they were released.
	Send(msgs []*buf.Buf) int
	// Close flushes the queue, tells the peer why, and closes. It does not wait for that.
	Close(reason Reason)
	// Idle is the time since a message passed in either direction. It is called often and under locks: it must not wait, nor
	// call the Registry.
	Idle(now time.Time) time.Duration
	Status() SessionStatus
}

// A Replaceable session gives its messages to the one that takes its place.
type Replaceable interface {
	Session
	// Replace is Close with ReasonReplaced. It returns the messages that were not acked, which the caller has to send or to release.
	Replace() (unsent []*buf.Buf)
}

// A Registry is what a Transport reports to: the Mux.
type Registry interface {
	Handler
	// Admit is asked for the peer of an inbound handshake as soon as the peer is known. AdmitFrom asks better.
	Admit(peer i2p.Hash) bool
	// Opened enters a session before its first message is delivered. If it returns false the transport closes
	// the session with ReasonBanned or ReasonLimits and does not report it again.
	Opened(s Session) bool
	// Closed removes a session after its last message was delivered. The error is nil if we closed it, *Terminated if
	// the peer did and said why, or what happened to the connection.
	Closed(s Session, err error)
}

// Direction tells who opened a session.
type Direction uint8

// Inbound sessions were opened by the peer, Outbound ones by us.
const (
	Inbound Direction = iota
	Outbound
)

func (d Direction) String() string {
	if d == Inbound {
		return "inbound"
	}
	return "outbound"
}

// Reason tells a peer why a session ends. The numbers are those of the Termination blocks of NTCP2 and SSU2.
type Reason uint8

// The reasons that both transports share.
const (
	ReasonNormal    Reason = 0
	ReasonReceived  Reason = 1
	ReasonIdle      Reason = 2
	ReasonShutdown  Reason = 3
	ReasonAEAD      Reason = 4
	ReasonOptions   Reason = 5
	ReasonSignature Reason = 6
	ReasonClockSkew Reason = 7
	ReasonPadding   Reason = 8
	ReasonFraming   Reason = 9
	ReasonFormat    Reason = 10
	ReasonRequest   Reason = 11
	ReasonCreated   Reason = 12
	ReasonConfirmed Reason = 13
	ReasonTimeout   Reason = 14
	ReasonRISign    Reason = 15
	ReasonStaticKey Reason = 16
	ReasonBanned    Reason = 17
)

// Reasons of SSU2 alone.
const (
	ReasonLimits   Reason = 19 // connection limits
	ReasonReplaced Reason = 22 // by a new session
)

// SessionStatus describes a session at one moment.
type SessionStatus struct {
	Peer        i2p.Hash
	Style       string
	Crypto      string // key exchange, as "X25519" or "X25519+ML-KEM-768"
	Direction   Direction
	Remote      netip.AddrPort
	Since       time.Time
	BytesIn     uint64 // on the wire
	BytesOut    uint64
	MessagesIn  uint64
	MessagesOut uint64
	Dropped     uint64 // did not fit the send queue
	Queued      int
}

// The errors that callers tell apart. ErrClosed unwraps to net.ErrClosed.
var (
	ErrNoAddress = errors.New("transport: no address that we can dial")
	ErrBackoff   = errors.New("transport: dial failed a short while ago")
	ErrBusy      = errors.New("transport: too many dials")
	ErrRefused   = errors.New("transport: peer not admitted")
	ErrSelf      = errors.New("transport: peer is this router")
	ErrClockSkew = errors.New("transport: clocks differ too much")
	// ErrNoIntroducer of a router that is reached through introducers only: none of them was found. Our lookups may be to blame, so
	// that Peers does not hear of it; but whom a router names is its own choice, so that the wait for it grows.
	ErrNoIntroducer = errors.New("transport: no introducer is known that we can reach")
)
