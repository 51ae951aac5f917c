package netdb

import (
	"context"
	"log/slog"
	"math/rand/v2"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/peer"
)

// Config of a DB.
type Config struct {
	NetworkID int
	// Private networks have generous limits and short pauses; old RouterInfos never expire as long as they are few.
	Private bool
	// Path of the file that keeps RouterInfos; empty: memory only.
	Path string
	// Hidden routers do not publish themselves.
	Hidden bool
}

// Deps are what a DB works with.
type Deps struct {
	Clock     *clock.Clock
	Peers     *peer.Book
	Self      func() *i2p.RouterInfo // ours, as signed last
	Messenger Messenger
	ReplyPath ReplyPath // of the exploratory tunnels; nil: none, all is asked directly
	Rand      *rand.Rand
	Log       *slog.Logger
}

// A DB is the network database of one router. It is safe for concurrent use.
type DB struct {
	cfg  Config
	deps Deps
}

// New opens the database. It starts nothing; Close is due if Run is never called.
func New(cfg Config, deps Deps) (*DB, error) { return &DB{cfg: cfg, deps: deps}, nil }

// Close writes what is pending and closes the file.
func (db *DB) Close() error { return nil }

// Run expires, writes, publishes and explores until ctx ends. Then it closes the file.
func (db *DB) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Add verifies a RouterInfo and keeps it if it is news.
func (db *DB) Add(ri *i2p.RouterInfo) (news bool, err error) { return false, nil }

// Offered takes a RouterInfo that a session brought outside of I2NP and, at a floodfill, floods it if asked to.
func (db *DB) Offered(from i2p.Hash, ri *i2p.RouterInfo, flood bool) {}

// ImportFile adds the RouterInfos of a router.info, a folder or a .zip of them, and returns how many are new.
func (db *DB) ImportFile(path string) (int, error) { return 0, nil }

// RouterInfo returns a RouterInfo that is known here, or nil.
func (db *DB) RouterInfo(router i2p.Hash) *i2p.RouterInfo { return nil }

// Routers yields every known RouterInfo except our own, in no order.
func (db *DB) Routers(yield func(*i2p.RouterInfo) bool) {}

// Closest returns the n floodfills that are closest to a key today.
func (db *DB) Closest(key i2p.Hash, n int) []*i2p.RouterInfo { return nil }

// LookupRouter returns a RouterInfo, asking floodfills if it is not known. It is a transport.Lookup.
func (db *DB) LookupRouter(ctx context.Context, router i2p.Hash) (*i2p.RouterInfo, error) {
	return nil, ErrNotFound
}

// PublishSelf stores our RouterInfo at the closest floodfill and waits for its confirmation.
func (db *DB) PublishSelf(ctx context.Context) error { return ErrNoFloodfill }

// SelfChanged tells Run that Self has news to publish.
func (db *DB) SelfChanged() {}

// Handle takes a DatabaseStore, DatabaseLookup, DatabaseSearchReply or DeliveryStatus. from is the peer whose session
// brought it (in the clear or in garlic for our router), or zero if it came down an exploratory tunnel of ours.
func (db *DB) Handle(from i2p.Hash, h i2np.Header, payload []byte) {}

// Delivered takes the message id of a DeliveryStatus and reports whether a publication waited for it.
func (db *DB) Delivered(id i2np.MessageID) bool { return false }

// Stats returns the counters.
func (db *DB) Stats() Stats { return Stats{} }
