package nat

import (
	"errors"
	"net/netip"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// An Engine runs peer tests and relays. It is not safe for concurrent use.
type Engine struct {
	cfg  Config
	host Host
}

// New makes an engine. It starts nothing.
func New(cfg Config, host Host) (*Engine, error) {
	if cfg.Signing.IsZero() || cfg.Self.IsZero() {
		return nil, errors.New("nat: no identity")
	}
	return &Engine{cfg: cfg, host: host}, nil
}

// HandleBlock takes a block of type RelayRequest, RelayResponse, RelayIntro, PeerTest, RelayTagRequest or RelayTag that came in the session
// with from, others are ignored. A RelayTagRequest in a SessionRequest is to be held back until the session is established. body is lent.
func (e *Engine) HandleBlock(now time.Time, from i2p.Hash, t wire.BlockType, body []byte) {}

// HandleOutside takes a PeerTest or HolePunch packet that was opened with our introduction key. payload is lent.
func (e *Engine) HandleOutside(now time.Time, from netip.AddrPort, h wire.Header, payload []byte) {}

// HandleRouterInfo says that Host.RouterInfo has an answer for this router now: messages that came before it are handled. Without it
// they are when Tick finds out.
func (e *Engine) HandleRouterInfo(now time.Time, router i2p.Hash) {}

// SessionClosed forgets what depends on the session with a router: tags, tests, relays.
func (e *Engine) SessionClosed(now time.Time, router i2p.Hash) {}

// StartTest begins a peer test of our address of a family, with a Bob among the sessions. TestDone follows within TestTime unless there is an error:
// ErrBusy while a test of this family runs, ErrNoBob, ErrNoAddress.
func (e *Engine) StartTest(now time.Time, f Family) error { return ErrNoBob }

// Relay asks bob, with whom there is a session, to introduce us to charlie under the tag that charlie published with him. RelayDone follows with this nonce
// unless there is an error: ErrBusy, ErrSession, ErrNoAddress.
func (e *Engine) Relay(now time.Time, charlie *i2p.RouterInfo, bob i2p.Hash, tag uint32, f Family) (nonce uint32, err error) {
	return 0, ErrSession
}

// NeedIntroducers says whether we are to be reached through introducers in a family. While so, tags are asked for in sessions with
// routers that introduce, and kept alive.
func (e *Engine) NeedIntroducers(now time.Time, f Family, need bool) {}

// WantTag reports whether a RelayTagRequest should go into a SessionRequest to the router of ri, in this family. (i2pd gives tags in SessionCreated only.)
func (e *Engine) WantTag(f Family, ri *i2p.RouterInfo) bool { return false }

// Introducers are those to publish, at most MaxIntroducers.
func (e *Engine) Introducers(f Family) []Introducer { return nil }

// MissingIntroducers is how many more sessions with introducers should be opened: routers for which WantTag is true.
func (e *Engine) MissingIntroducers(f Family) int { return 0 }

// Tick does what is due: sends again, ends what took too long, chooses introducers.
func (e *Engine) Tick(now time.Time) {}

// Deadline is when Tick has something to do; zero for never. It changes with any call.
func (e *Engine) Deadline() time.Time { return time.Time{} }

// Stats are counts since the start, and the sizes of the tables.
func (e *Engine) Stats() Stats { return Stats{} }
