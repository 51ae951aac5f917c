package nat

import (
	"errors"
	"io"
	"net/netip"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// A Family is a version of IP. Both have a verdict, tests and introducers of their own.
type Family uint8

// The families.
const (
	V4 Family = iota
	V6
)

// FamilyOf is the family of an address; 4-in-6 is V4.
func FamilyOf(a netip.Addr) Family {
	if a.Unmap().Is4() {
		return V4
	}
	return V6
}

func (f Family) String() string {
	if f == V4 {
		return "IPv4"
	}
	return "IPv6"
}

// A Session is an established session as the engine needs to know it.
type Session struct {
	Router i2p.Hash
	Remote netip.AddrPort // where the peer is now
	// Seen is where the peer says that it sees us (its Address block); not valid if it did not say.
	Seen netip.AddrPort
	// Outbound: we opened it.
	Outbound bool
	Since    time.Time
}

// Outside is a packet out of session that the Host is to seal with IntroKey and send. Number and token of its header are random, but the same
// Blocks may be sent again: seal them anew.
type Outside struct {
	Type          wire.Type // PeerTestPacket or HolePunch
	To            netip.AddrPort
	IntroKey      [32]byte // of the receiver
	DestID, SrcID wire.ConnectionID
	// Blocks is the payload without DateTime in front and Padding behind, which the Host adds. It is lent for the call.
	Blocks []byte
}

// A Host is the transport as the engine sees it. The engine calls it from within its own methods, so under the caller's lock: no method may
// block or call the engine. Slices are lent for the call. What cannot be sent is lost, as on the network.
type Host interface {
	// Session describes the established session with a router.
	Session(router i2p.Hash) (Session, bool)
	// Sessions yields all established sessions in no order, until yield returns false.
	Sessions(yield func(Session) bool)
	// RouterInfo is what is known of a router here and now, nil for nothing.
	RouterInfo(router i2p.Hash) *i2p.RouterInfo
	// Contacted reports whether we sent packets to this address, or had a session with it, in the last ContactTime: a NAT lets its packets in
	// then, and they prove nothing. anyPort: whatever the port, as many NATs look at the IP address only.
	Contacted(a netip.AddrPort, anyPort bool) bool
	// Banned reports whether we want nothing to do with a router.
	Banned(router i2p.Hash) bool
	// Supports reports whether we have a socket of this family.
	Supports(f Family) bool
	// Own is the address of this family that peers should use: configured, mapped, or the one that most peers see. Not valid if unknown.
	// fixed: configured or mapped, so that it is the one to test, whatever port a peer sees.
	Own(f Family) (a netip.AddrPort, fixed bool)
	// Bound is the port that our socket of this family listens on; 0 if there is none.
	Bound(f Family) uint16
	// Introduces reports whether we want to be an introducer in this family: reachable, with room.
	Introduces(f Family) bool
	// Token makes a token with which a SessionRequest from this address is taken at once; 0 for none.
	Token(from netip.AddrPort) wire.Token

	// SendBlocks sends whole blocks reliably in one data packet of the session with a router, after what was sent before. False if there is no session.
	SendBlocks(to i2p.Hash, blocks []byte) bool
	// SendRouterInfo sends a third router's RouterInfo, as a RouterInfo block if it fits into a packet or as a DatabaseStore, before what is sent
	// later. It may skip one that this session was sent already.
	SendRouterInfo(to i2p.Hash, ri *i2p.RouterInfo)
	// SendOutside sends one packet out of session.
	SendOutside(p Outside)
	// Ping sends a small packet in a session that asks for an acknowledgement: keeps the NAT open towards an introducer.
	Ping(router i2p.Hash)
	// Keep says that the session with a router serves relays, as it introduces us or we it: for as long as an introducer is published it is not idle.
	// It is called again before that is over, and when we as Bob pass a relay on. (When the Host sends a RelayTag it keeps the session by itself.)
	Keep(router i2p.Hash)

	// TestDone takes the end of a test that StartTest began.
	TestDone(TestResult)
	// RelayDone takes the end of a relay that Relay began. After a success it may be called once more, with Moved set.
	RelayDone(RelayResult)
}

// Config is what an Engine needs. Self and Signing are required.
type Config struct {
	Self    i2p.Hash
	Signing keys.SigningPrivateKey
	// AllowPrivate takes private and reserved addresses, and does not care about routers in one network: for networks of tests.
	AllowPrivate bool
	// Offset is what to add to the times that the engine is given to have the network's time, which goes into what is signed and published
	// (clock.Clock.Offset); nil is 0.
	Offset func() time.Duration
	// Rand for nonces, tags and choices; nil is crypto/rand.
	Rand io.Reader
}

// An Outcome is what one peer test showed.
type Outcome uint8

// The outcomes ("Results State Machine").
const (
	// Unknown: the test said nothing; Why tells the reason.
	Unknown Outcome = iota
	// OK: a packet of a stranger came in.
	OK
	// Firewalled: it did not.
	Firewalled
	// Symmetric: it did not, and our NAT gave us another port towards Charlie than towards Bob.
	Symmetric
)

func (o Outcome) String() string {
	switch o {
	case OK:
		return "ok"
	case Firewalled:
		return "firewalled"
	case Symmetric:
		return "symmetric NAT"
	default:
		return "unknown"
	}
}

// A TestResult is the end of one peer test that we began.
type TestResult struct {
	Family  Family
	Outcome Outcome
	// Tested is the address that Charlie was asked to reach: Host.Own, or that which Bob sees, or the IP address that Bob sees with Host.Bound.
	Tested netip.AddrPort
	// External is where Charlie saw us (message 7); not valid if he did not say.
	External netip.AddrPort
	Bob      i2p.Hash
	BobIP    netip.Addr
	// Charlie is zero if Bob never named one.
	Charlie   i2p.Hash
	CharlieIP netip.Addr
	// Received tells which of the messages 4, 5 and 7 came.
	Received4, Received5, Received7 bool
	// Code is that of message 4 (wire.Code...), 0 if it did not come or accepted.
	Code byte
	// Why is a sentence for people, without names of routers.
	Why string
}

// A RelayResult is the end of one relay that we began as Alice. Err is nil, or why it failed: *Rejected, ErrTimeout, ErrSession, ErrSignature,
// ErrAddress.
type RelayResult struct {
	Nonce   uint32
	Charlie i2p.Hash
	Bob     i2p.Hash
	// Address is where to send the SessionRequest, Token what to put into it.
	Address netip.AddrPort
	Token   wire.Token
	// Punched: Charlie's HolePunch came, so his packets reach us.
	Punched bool
	// Moved: a success was reported before, with another address; the HolePunch came from this one (Charlie's NAT is symmetric). An attempt
	// that is still under way should go here.
	Moved bool
	Err   error
}

// An Introducer is one to publish: ih, itag and iexp of a RouterAddress.
type Introducer struct {
	Router  i2p.Hash
	Tag     uint32
	Expires time.Time
}

// Rejected is the error of a relay that Bob or Charlie refused.
type Rejected struct{ Code byte }

func (r *Rejected) Error() string { return "nat: relay refused: " + codeText(r.Code, false) }

// Errors of StartTest, Relay and RelayResult.
var (
	ErrBusy      = errors.New("nat: too many of these at once")
	ErrNoBob     = errors.New("nat: no session with a peer that could help")
	ErrNoAddress = errors.New("nat: our own address is not known")
	ErrSession   = errors.New("nat: the session with the introducer ended")
	ErrTimeout   = errors.New("nat: no answer")
	ErrSignature = errors.New("nat: answer not signed by the router that it is of")
	ErrAddress   = errors.New("nat: answer with an address that cannot be used")
)
