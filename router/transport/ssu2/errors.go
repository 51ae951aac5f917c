package ssu2

import (
	"errors"
	"fmt"

	"clove.i2p/router/transport"
)

var (
	errMalformed = errors.New("malformed")
	errNetwork   = errors.New("of another network")
	errStaticKey = errors.New("static key is not the published one")
	errSource    = errors.New("source is not the published host")
	errTimeout   = errors.New("peer does not answer")
	errNoPlace   = errors.New("too many dials to this address")
)

// A refusal is a handshake that failed after the peer proved its key, so that it is told the reason.
type refusal struct {
	reason transport.Reason
	err    error
}

func (r *refusal) Error() string { return fmt.Sprintf("%v (reason %d)", r.err, r.reason) }
func (r *refusal) Unwrap() error { return r.err }

// An ownError is a failure that says nothing about the peer.
type ownError struct{ error }

func (e *ownError) OurOwn() bool  { return true }
func (e *ownError) Unwrap() error { return e.error }

// A rejection is a Retry with a Termination: the peer does not want a session.
type rejection struct{ reason transport.Reason }

func (r *rejection) Error() string { return fmt.Sprintf("ssu2: peer refuses, reason %d", r.reason) }
