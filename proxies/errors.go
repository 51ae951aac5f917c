package proxies

import (
	"context"
	"errors"
	"fmt"
)

// What a Dialer wraps, so that a proxy can say why.
var (
	// ErrUnknownHost: the name is in no address book.
	ErrUnknownHost = errors.New("unknown host")
	// ErrNoLeaseSet: the destination is known but has no LeaseSet: its server is offline.
	ErrNoLeaseSet = errors.New("no LeaseSet")
	// ErrNoAnswer: the destination has a LeaseSet but did not answer, or refused the stream.
	ErrNoAnswer = errors.New("no answer")
	// ErrNotReady: the router has no tunnels yet. It is tried again for a while.
	ErrNotReady = errors.New("not ready")
	// ErrRefused: not allowed. RefusedError says why.
	ErrRefused = errors.New("refused")
)

// What the proxies find themselves.
var (
	// ErrBadHost: no host name, destination or address can look like this.
	ErrBadHost = errors.New("malformed host")
	// ErrNoAddress: the Dialer's connection does not know the .b32.i2p name of its peer.
	ErrNoAddress = errors.New("connection without a base32 address")
	// ErrUnauthorized: wrong user name or password, or none.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrTooManyFailures: so many wrong passwords came from this client that it has to wait. It is an ErrUnauthorized.
	ErrTooManyFailures = fmt.Errorf("%w: too many failures", ErrUnauthorized)
)

// What happens on the way through an outproxy. A Dialer wraps ErrOutproxyDown if the tunnel that a Target's Via names does
// not run; OutproxyError wraps the others.
var (
	// ErrOutproxyDown: the outproxy tunnel does not run, or reaches none of its exits.
	ErrOutproxyDown = errors.New("outproxy down")
	// ErrOutproxyRefused: tunnel or exit do not serve this request: port, quota, credentials.
	ErrOutproxyRefused = errors.New("outproxy refused")
	// ErrOutproxyAnswer: what answered is not an HTTP proxy, or failed for a reason of its own.
	ErrOutproxyAnswer = errors.New("unusable answer of the outproxy")
	// ErrExitDown: the exit is reached, but its own proxy (squid) is not.
	ErrExitDown = errors.New("exit down")
	// ErrExitName: the exit cannot resolve the name.
	ErrExitName = errors.New("exit: unknown name")
	// ErrExitConnection: the site refused the exit's connection.
	ErrExitConnection = errors.New("exit: connection refused")
	// ErrExitTimeout: the site did not answer the exit.
	ErrExitTimeout = errors.New("exit: timeout")
	// ErrExitProhibited: the name belongs to an address that the exit does not connect to.
	ErrExitProhibited = errors.New("exit: prohibited address")
)

// Refusal is why a well-formed host is not dialed.
type Refusal uint8

const (
	// NotI2P is a clearnet name.
	NotI2P Refusal = iota
	// LocalHost is localhost, a private or a loopback address: pages must not reach what runs at home.
	LocalHost
	// IPv4Address and IPv6Address are public addresses.
	IPv4Address
	IPv6Address
	// PrivateName exists in a private network only: a name without a dot, .local, .internal, .home.arpa, .lan.
	PrivateName
	// OtherNetwork is a name of another network than I2P and the Internet: .onion, .alt, .exit.
	OtherNetwork
	// ByRule: a rule says so. RefusedError names it.
	ByRule
	// ClearnetUDP: packets leave I2P through no outproxy.
	ClearnetUDP
	numRefusals
)

var refusals = [numRefusals]string{
	"not an .i2p name", "local address", "IPv4 address", "IPv6 address", "private name", "name of another network", "rule",
	"UDP outside of I2P",
}

func (r Refusal) String() string { return refusals[r] }

// Always tells whether no rule can allow it.
func (r Refusal) Always() bool {
	return r == LocalHost || r == PrivateName || r == OtherNetwork || r == ClearnetUDP
}

// RefusedError unwraps to ErrRefused.
type RefusedError struct {
	Why Refusal
	// Rule is the name of the rule if Why is ByRule.
	Rule string
}

func (e *RefusedError) Error() string { return "refused: " + e.Why.String() }

func (e *RefusedError) Unwrap() error { return ErrRefused }

// NotReadyError unwraps to ErrNotReady.
type NotReadyError struct{ Progress string }

func (e *NotReadyError) Error() string { return "not ready: " + e.Progress }

func (e *NotReadyError) Unwrap() error { return ErrNotReady }

// Reason is the category of a failure: all that is counted and logged of it.
type Reason uint8

const (
	ReasonBadRequest Reason = iota
	ReasonUnauthorized
	ReasonRefused
	ReasonUnknownHost
	ReasonNoLeaseSet
	ReasonNoAnswer
	ReasonNotReady
	ReasonTimeout
	ReasonHangUp
	ReasonOther
	ReasonOutproxyDown
	ReasonOutproxyRefused
	ReasonOutproxyAnswer
	ReasonExitDown
	ReasonExitName
	ReasonExitConnection
	ReasonExitTimeout
	ReasonExitProhibited
	numReasons
)

var reasons = [numReasons]string{
	"bad request", "unauthorized", "refused", "unknown host", "no leaseset", "no answer", "not ready", "timeout",
	"client gone", "other", "outproxy down", "outproxy refused", "outproxy answer", "exit down", "exit name",
	"exit connection", "exit timeout", "exit prohibited",
}

func (r Reason) String() string { return reasons[r] }

// Classify finds the category of what Opener.Open or ParseHost returned.
func Classify(err error) Reason {
	for _, c := range [...]struct {
		err    error
		reason Reason
	}{
		{ErrBadHost, ReasonBadRequest},
		{ErrUnauthorized, ReasonUnauthorized},
		{ErrOutproxyDown, ReasonOutproxyDown},
		{ErrOutproxyRefused, ReasonOutproxyRefused},
		{ErrOutproxyAnswer, ReasonOutproxyAnswer},
		{ErrExitDown, ReasonExitDown},
		{ErrExitName, ReasonExitName},
		{ErrExitConnection, ReasonExitConnection},
		{ErrExitTimeout, ReasonExitTimeout},
		{ErrExitProhibited, ReasonExitProhibited},
		{ErrRefused, ReasonRefused},
		{ErrUnknownHost, ReasonUnknownHost},
		{ErrNoLeaseSet, ReasonNoLeaseSet},
		{ErrNoAnswer, ReasonNoAnswer},
		{ErrNotReady, ReasonNotReady},
		{context.DeadlineExceeded, ReasonTimeout},
		{context.Canceled, ReasonHangUp},
	} {
		if errors.Is(err, c.err) {
			return c.reason
		}
	}
	return ReasonOther
}
