package netdb

import (
	"context"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// A View is the network database as one client sees it. It is safe for concurrent use.
type View struct {
	db        *DB
	messenger Messenger
	path      ReplyPath
}

// NewView returns the view of a client, whose tunnels messenger and path use.
func (db *DB) NewView(messenger Messenger, path ReplyPath) *View {
	return &View{db: db, messenger: messenger, path: path}
}

// LeaseSet returns a LeaseSet that this view knows and that has not expired.
func (v *View) LeaseSet(destination i2p.Hash) (i2p.LeaseSet, bool) { return nil, false }

// Lookup returns the LeaseSet of a destination, asking floodfills if this view does not know it.
func (v *View) Lookup(ctx context.Context, destination i2p.Hash) (i2p.LeaseSet, error) {
	return nil, ErrNotFound
}

// Refresh asks floodfills even if this view knows a LeaseSet.
func (v *View) Refresh(ctx context.Context, destination i2p.Hash) (i2p.LeaseSet, error) {
	return nil, ErrNotFound
}

// Publish stores a LeaseSet of this client at the closest floodfill, goes on to the next until one confirms, and
// returns nil as soon as one did.
func (v *View) Publish(ctx context.Context, ls i2p.LeaseSet) error { return ErrNotReady }

// Verify waits 5 to 8 seconds and then looks up what Publish stored, at another floodfill.
func (v *View) Verify(ctx context.Context, ls i2p.LeaseSet) error { return ErrNotReady }

// Store keeps a LeaseSet that came bundled with a message to this client, after verifying it.
func (v *View) Store(ls i2p.LeaseSet) error { return nil }

// Handle takes a DatabaseStore, DatabaseSearchReply or DeliveryStatus that came down an inbound tunnel of the client.
// Nothing else, and nothing that was not asked for, has an effect.
func (v *View) Handle(h i2np.Header, payload []byte) {}

// Delivered takes the message id of a DeliveryStatus and reports whether a publication waited for it.
func (v *View) Delivered(id i2np.MessageID) bool { return false }

// Stats returns the counters.
func (v *View) Stats() ViewStats { return ViewStats{} }

// ViewStats of a View since its start.
type ViewStats struct{}
