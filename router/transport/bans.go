package transport

import (
	"fmt"
	"time"

	"clove.i2p/router/i2p"
)

// BanReason tells why we do not speak with a router for a while.
type BanReason uint8

// The reasons for a ban. Each needs a proof that nobody but the router itself can make: see Violation.
const (
	BanAsked     BanReason = iota // Mux.Ban was called
	BanProtocol                   // what it sent in an authenticated session is against the protocol
	BanSignature                  // what it signed itself and sent in an authenticated session does not verify
	BanNetwork                    // its signed RouterInfo is of another network
)

func (r BanReason) String() string {
	switch r {
	case BanAsked:
		return "asked"
	case BanProtocol:
		return "protocol"
	case BanSignature:
		return "signature"
	case BanNetwork:
		return "network"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// A Violation is the cause of the end of a session, or of a dial that failed, for which the router is banned. A transport wraps it
// only in errors about what the router itself did with its identity proven: sent under the keys of a finished handshake,
// or signed. A handshake that fails proves nothing about the router that it names, and packets that do not
// authenticate nothing about anybody: whoever makes those would have others banned.
type Violation struct {
	Reason BanReason
	Err    error
}

func (v *Violation) Error() string { return fmt.Sprintf("%v (%v violation)", v.Err, v.Reason) }
func (v *Violation) Unwrap() error { return v.Err }

// BannedPeer is one entry of the ban table.
type BannedPeer struct {
	Peer   i2p.Hash
	Reason BanReason
	Until  time.Time
}
