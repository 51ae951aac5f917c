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

// A State is what strangers can do.
type State uint8

// The states of a family.
const (
	Unknown    State = iota // nothing says yet
	OK                      // strangers reach us
	Firewalled              // only whom we sent to first: introducers are needed
	Symmetric               // as firewalled, and our port differs from peer to peer: introduction works only with peers that are not like that
	Hidden                  // we want it so: no address is published
	Disabled                // no socket of this family, or no address
)

func (s State) String() string {
	switch s {
	case OK:
		return "ok"
	case Firewalled:
		return "firewalled"
	case Symmetric:
		return "symmetric"
	case Hidden:
		return "hidden"
	case Disabled:
		return "disabled"
	default:
		return "unknown"
	}
}

// A Peer is the hash of a router.
type Peer [32]byte

// A Report is the verdict for one family.
type Report struct {
	Family Family
	State  State
	// External is where strangers should send to; not valid if unknown. The port means nothing while State is Symmetric.
	External netip.AddrPort
	// Reason is a sentence for people.
	Reason string
	Since  time.Time
	Evidence
}

// Evidence counts what speaks for what, in groups: peers in one network (IPv4 /16, IPv6 /32) are one.
type Evidence struct {
	Reached, Blocked, Symmetric int // peer tests of the last hours
	Inbound                     int // strangers that opened a session
	Seen                        int // peers that see us at External
	Ports                       int // different ports that peers see
}

// Test is the end of a peer test.
type Test struct {
	Family           Family
	Outcome          State // Unknown, OK, Firewalled or Symmetric
	Tested           netip.AddrPort
	External         netip.AddrPort // where Charlie saw us, if he said
	Bob, Charlie     Peer
	BobIP, CharlieIP netip.Addr
	Why              string
}

// Config is what is known without asking anybody.
type Config struct {
	// Hidden publishes nothing, whatever is known.
	Hidden bool
	// Listen are the bound addresses; a family without one is Disabled.
	Listen []netip.AddrPort
	// Advertise are addresses that the user configured: taken as they are.
	Advertise []netip.AddrPort
	// AllowPrivate takes private addresses as external ones, and every peer as a network of its own: for networks of tests.
	AllowPrivate bool
	// Changed, if set, is called with each new Report that differs in State or External, outside of locks, in order.
	Changed func(Report)
}

// A Keeper weighs evidence. It is safe for concurrent use.
type Keeper struct{ cfg Config }

// New makes a Keeper that knows nothing but its configuration.
func New(cfg Config, now time.Time) *Keeper { return &Keeper{cfg: cfg} }

// AddressSeen: a peer at an address says that it sees us at seen.
func (k *Keeper) AddressSeen(now time.Time, peer Peer, from netip.Addr, seen netip.AddrPort) {}

// Inbound: a session was opened to us from an address that we had not sent to.
func (k *Keeper) Inbound(now time.Time, peer Peer, from netip.Addr) {}

// Tested takes the end of a peer test.
func (k *Keeper) Tested(now time.Time, t Test) {}

// Mapped: a router before us forwards this address to our port (UPnP, NAT-PMP, PCP), until Unmapped. by names the protocol.
func (k *Keeper) Mapped(now time.Time, external netip.AddrPort, by string) {}

// Unmapped ends Mapped for a family.
func (k *Keeper) Unmapped(now time.Time, f Family) {}

// LocalChanged: our interfaces or sockets changed; what was learnt about addresses that are gone is forgotten.
func (k *Keeper) LocalChanged(now time.Time, listen []netip.AddrPort) {}

// Report is the verdict for a family.
func (k *Keeper) Report(now time.Time, f Family) Report { return Report{Family: f} }

// NextTest is when to run the next peer test of a family; zero for never. A test that could not start is asked for again by TestFailed.
func (k *Keeper) NextTest(now time.Time, f Family) time.Time { return time.Time{} }

// TestStarted and TestFailed (no peer to test with) move NextTest.
func (k *Keeper) TestStarted(now time.Time, f Family) {}

// TestFailed says that no test could be started.
func (k *Keeper) TestFailed(now time.Time, f Family) {}

// Tick lets evidence fade. Once a minute is enough.
func (k *Keeper) Tick(now time.Time) {}
