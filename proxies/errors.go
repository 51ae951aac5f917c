package proxies

import (
	"context"
	"errors"
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
)

var refusals = [...]string{"not an .i2p name", "local address", "IPv4 address", "IPv6 address"}

func (r Refusal) String() string { return refusals[r] }

// RefusedError unwraps to ErrRefused.
type RefusedError struct{ Why Refusal }

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
	numReasons
)

var reasons = [numReasons]string{
	"bad request", "unauthorized", "refused", "unknown host", "no leaseset", "no answer", "not ready", "timeout",
	"client gone", "other",
}

func (r Reason) String() string { return reasons[r] }

// Classify finds the category of what Opener.Open or ParseHost returned.
func Classify(err error) Reason {
	for _, c := range [...]struct {
		err    error
		reason Reason
	}{
		{ErrBadHost, ReasonBadRequest},
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
