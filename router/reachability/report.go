package reachability

import (
	"net/netip"
	"time"
)

// A Family is a version of IP.
type Family uint8

// The families, numbered as in ssu2/nat.
const (
	V4 Family = iota
	V6
)

func (f Family) String() string {
	if f == V4 {
		return "IPv4"
	}
	return "IPv6"
}

// A State is what strangers can do.
type State uint8

// The states of a family.
const (
	Unknown    State = iota // nothing says yet
	OK                      // strangers reach us
	Firewalled              // only whom we sent to first: introducers are needed
	Symmetric               // as firewalled, and our port differs from peer to peer: introduction works only with peers that are not like that
	Hidden                  // we want it so: no address is published
	Disabled                // no socket of this family
)

func (s State) String() string {
	names := [...]string{"unknown", "ok", "firewalled", "symmetric", "hidden", "disabled"}
	if int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// A Peer is the hash of a router.
type Peer [32]byte

// A Report is the verdict for one family.
type Report struct {
	Family Family
	State  State
	// External is where strangers should send to; not valid if unknown. The port means nothing while State is Symmetric.
	External netip.AddrPort
	// Reason is a sentence for people. It names no peer.
	Reason string
	// Since is when State was last another one.
	Since time.Time
	Evidence
}

// Evidence counts networks (IPv4 /16, IPv6 /32), as what peers in one network say is worth the word of one.
type Evidence struct {
	Reached, Blocked, Symmetric int // peer tests of the last hours; Blocked includes Symmetric
	Inbound                     int // strangers that opened a session
	Seen                        int // see us at the IP address of External
	Ports                       int // different ports that they see
}

// Test is the end of a peer test.
type Test struct {
	Family           Family
	Outcome          State // OK, Firewalled or Symmetric; anything else is Unknown
	Tested           netip.AddrPort
	External         netip.AddrPort // where Charlie saw us, if he said
	Bob, Charlie     Peer
	BobIP, CharlieIP netip.Addr
	// Why says for people what the test came to. It is shown where tests say nothing.
	Why string
}
