package ntcp2

import (
	"errors"
	"fmt"

	"clove.i2p/router/transport"
)

var (
	errMalformed  = errors.New("malformed")
	errReplay     = errors.New("replayed")
	errNetwork    = errors.New("of another network")
	errStaticKey  = errors.New("static key is not the published one")
	errSource     = errors.New("source is not the published host")
	errExtraBytes = errors.New("bytes before their turn")
	errAEAD       = errors.New("frame does not authenticate")
	errStalled    = errors.New("peer does not read")
)

// A refusal is a handshake that failed after the peer proved its key, so that it is told the reason.
type refusal struct {
	reason transport.Reason
	err    error
}

func (r *refusal) Error() string { return fmt.Sprintf("%v (reason %d)", r.err, r.reason) }
func (r *refusal) Unwrap() error { return r.err }
