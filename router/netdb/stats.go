package netdb

import "sync/atomic"

// Stats of a DB since its start.
type Stats struct {
	Routers, Floodfills, LeaseSets int

	// Entries that came in DatabaseStore messages, handshakes and files.
	RouterInfosStored, LeaseSetsStored uint64
	Refused                            map[string]uint64 // by reason
	// DatabaseStore messages that we sent on as a floodfill, one for each receiver.
	Flooded uint64

	LookupsReceived, LookupsAnswered, LookupsReferred, LookupsDropped uint64

	// What this router looked up for itself.
	Lookups LookupStats
	// Our own RouterInfo.
	Published, PublishFailed uint64
	Explorations             uint64
	WriteErrors              uint64
}

// LookupStats count the lookups of one view.
type LookupStats struct {
	Started, Found, NotFound uint64
	// Queries is the DatabaseLookup messages sent, those for unknown floodfills and verification included.
	Queries uint64
	// Hops is the referrals in a row that were followed, summed over the lookups that found.
	Hops uint64
	// Late events were dropped because a lookup did not keep up.
	Dropped uint64
}

// ViewStats of a View since its start.
type ViewStats struct {
	LeaseSets int
	Lookups   LookupStats
	// Published counts confirmed publications, PublishAttempts the DatabaseStore messages for them.
	Published, PublishAttempts, PublishFailed uint64
	Verified, NotVerified                     uint64
	Refused                                   uint64 // entries that were not asked for, or are invalid
}

// A reason why an entry or a message is refused.
type reason uint8

const (
	reasonMalformed reason = iota
	reasonKey
	reasonNetwork
	reasonVersion
	reasonFuture
	reasonOld
	reasonSignature
	reasonUnsolicited
	reasonBudget
	reasonNotFloodfill
	reasonTunnel
	reasonUnpublished
	reasonOwn
	reasons
)

var reasonNames = [reasons]string{
	"malformed", "wrong key", "other network", "no version", "from the future", "too old", "bad signature", "not asked for",
	"over budget", "not floodfill", "came down a tunnel", "unpublished", "own",
}

func (r reason) String() string { return reasonNames[r] }

// Error makes a reason the error of a refusal; it is ErrInvalid.
func (r reason) Error() string { return ErrInvalid.Error() + ": " + r.String() }

// Is reports ErrInvalid.
func (r reason) Is(target error) bool { return target == ErrInvalid }

type counters struct {
	routerInfosStored, leaseSetsStored, flooded atomic.Uint64
	refused                                     [reasons]atomic.Uint64

	lookupsReceived, lookupsAnswered, lookupsReferred, lookupsDropped atomic.Uint64

	published, publishFailed, explorations, writeErrors atomic.Uint64
}

type lookupCounters struct {
	started, found, notFound, queries, hops, dropped atomic.Uint64
}

func (c *lookupCounters) snapshot() LookupStats {
	return LookupStats{
		Started: c.started.Load(), Found: c.found.Load(), NotFound: c.notFound.Load(), Queries: c.queries.Load(),
		Hops: c.hops.Load(), Dropped: c.dropped.Load(),
	}
}

// Stats returns the counters.
func (db *DB) Stats() Stats {
	c := &db.counters
	s := Stats{
		RouterInfosStored: c.routerInfosStored.Load(), LeaseSetsStored: c.leaseSetsStored.Load(), Flooded: c.flooded.Load(),
		LookupsReceived: c.lookupsReceived.Load(), LookupsAnswered: c.lookupsAnswered.Load(),
		LookupsReferred: c.lookupsReferred.Load(), LookupsDropped: c.lookupsDropped.Load(),
		Lookups:   db.requester.counters.snapshot(),
		Published: c.published.Load(), PublishFailed: c.publishFailed.Load(), Explorations: c.explorations.Load(),
		WriteErrors: c.writeErrors.Load(), Refused: make(map[string]uint64),
	}
	s.Routers, s.Floodfills = db.store.counts()
	s.LeaseSets = db.leaseSets.count()
	for r := range reasons {
		if n := c.refused[r].Load(); n > 0 {
			s.Refused[r.String()] = n
		}
	}
	return s
}
