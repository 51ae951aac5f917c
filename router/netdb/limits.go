package netdb

import "time"

// Ages and sizes of entries.
const (
	// maxFuture is how far ahead of our clock an entry may be published. i2pd takes the same; more would let an
	// entry win against its successors for that long.
	maxFuture = 2 * time.Minute
	// maxRouterAge ends every RouterInfo that is not renewed; routers publish about every 30 minutes. It shrinks to
	// minRouterAge while the network is large, and is floodfillRouterAge at a floodfill, which gets every
	// renewal (network-database.md, RouterInfo Expiration; the figures are i2pd's).
	maxRouterAge       = 27 * time.Hour
	minRouterAge       = 90 * time.Minute
	floodfillRouterAge = time.Hour
	// maxImportAge: a file on disk may be old, and an old RouterInfo is better than none.
	maxImportAge = 30 * 24 * time.Hour
	// minRouters and minFloodfills are never expired away: a wrong clock or a long time offline must not leave us
	// with nobody to ask.
	minRouters    = 90
	minFloodfills = 5
	// expiryUptime: after a start, what was stored looks old without being dead.
	expiryUptime      = 10 * time.Minute
	shortExpiryUptime = time.Hour

	// maxRouters bounds memory (about 4 KiB each) when a botnet joins: 700,000 did in February 2026. Past it, the
	// oldest of a sample makes room.
	maxRouters = 20_000
	// maxFloodfills bounds the scan for the closest; the network has about 1,700.
	maxFloodfills = 4_000
	// maxLeaseSets bounds what a floodfill stores, at most 4 KiB each; those furthest from us make room.
	maxLeaseSets = 10_000
	// maxLeaseSetAhead bounds the end of a LeaseSet: tunnels live ten minutes.
	maxLeaseSetAhead = 30 * time.Minute
	evictSample      = 32

	// minFloodfillVersion is the oldest floodfill that we ask: encrypted replies for ECIES routers (0.9.49) and the
	// short tunnel build (0.9.51).
	minFloodfillVersion = 951
)

// Lookups.
const (
	// maxQueries ends a lookup: the entry is at the three closest floodfills, and i2pd asks as many.
	maxQueries = 7
	// ownQueries of them are kept for floodfills that we knew before, so that the referrals of hostile ones
	// cannot take the lookup over.
	ownQueries = 2
	// stopAfter negative answers of the closest floodfills the key is not known: three store it, and one more may
	// have joined nearer since.
	stopAfter = 4
	// maxReferrals per answer are followed, and maxResolves of those that we do not know are asked for.
	maxReferrals = 3
	maxResolves  = 6
	// maxMissing of its referrals lost or unknown to itself, and the others of that floodfill are not followed.
	maxMissing = 2
	// startFloodfills a lookup begins with.
	startFloodfills = 16
	// maxSearchReply is the most hashes that we read or write (i2np.md, DatabaseSearchReply, notes).
	maxSearchReply = 16
	// searchReply is the number of floodfills that we refer to; all implementations give 3.
	searchReply = 3

	leaseSetParallel = 2
	routerParallel   = 1
	// After the soft timeout another floodfill is asked too; an answer counts until the hard one. A path of 3 + 3
	// hops takes 1 to 2 s; i2pd gives 1.6 s and takes no late answers.
	directSoft, directHard = 1500 * time.Millisecond, 4 * time.Second
	tunnelSoft, tunnelHard = 2500 * time.Millisecond, 7 * time.Second
	lookupTimeout          = 15 * time.Second
	// refreshAnswers of floodfills a refresh wants, and how long after the first it waits for the others. They were asked at the
	// same moment, so that only the difference of their paths counts.
	refreshAnswers                    = 2
	refreshGrace, privateRefreshGrace = time.Second, 250 * time.Millisecond
	// maxOverdue bounds the keys for which late answers count.
	maxOverdue = 256
	// suspectFor: a floodfill that let a query of this view time out is asked last.
	suspectFor  = time.Minute
	maxSuspects = 256

	maxRouterLookups = 128 // under way at once: next hops named in build requests come from strangers
	maxViewLookups   = 256
	flightEvents     = 32
	// maxViewLeaseSets bounds the cache of a client; a busy server gets one bundled by each of its clients.
	maxViewLeaseSets = 4_096
	maxViewRouters   = 128
)

// Publication.
const (
	maxPublishAttempts = 7
	directConfirm      = 2 * time.Second
	tunnelConfirm      = 3 * time.Second
	verifyAfter        = 5 * time.Second
	verifySpread       = 3 * time.Second
	publishFirst       = 10 * time.Second
	publishInterval    = 30 * time.Minute
	publishSpread      = 3 * time.Minute
	publishRetryFirst  = 5 * time.Second
	publishRetryMost   = 2 * time.Minute
	publishGap         = 20 * time.Second // between two publications on change
	privateFirst       = 500 * time.Millisecond
	privateGap         = time.Second
	privateRetryFirst  = time.Second
	privateRetryMost   = 10 * time.Second
	maxConfirmations   = 16
)

// Exploration: i2pd explores every 27 to 55 s while it knows fewer than 2,500 routers.
const (
	exploreFirst      = 15 * time.Second
	exploreMin        = 27 * time.Second
	exploreMax        = 55 * time.Second
	exploreLarge      = 3 * time.Minute
	largeNetwork      = 2_500
	privateExploreMin = time.Second
	exploreExcluded   = 32 // known routers that an answer need not name: 1 KiB
	exploreMost       = 9  // regions in a round
	exploreDraws      = 32 // keys of which the one closest to ourselves is taken
	exploreAnswer     = 5 * time.Second
	exploratorySample = 500
	fewFloodfills     = 50
	exploreStep       = 2 // the pause grows by this factor up to exploreMax while rounds bring nothing
)

// Flooding and defence.
const (
	floodTo        = 3 // closest floodfills (network-database.md, Flooding)
	floodToNextDay = 2 // more, for the routing key of tomorrow, shortly before midnight UTC; both peers do
	nextDayRouter  = 45 * time.Minute
	nextDayLease   = 10 * time.Minute
	// maxFloodAge: "must never flood a RouterInfo published more than one hour ago".
	maxFloodAge = time.Hour
	// floods of one key per floodPeriod: an owner who signs without end must not make us multiply it.
	floods      = 3
	floodPeriod = time.Minute

	// throttleEntries bounds every map of limits by key.
	throttleEntries = 4_096
)

// Budgets by source: tokens at once, and per second. They stop one peer or one tunnel from using us up; Java allows 14
// to 30 lookups in two minutes from one gateway and tunnel, i2pd any number. Private networks get privateFactor
// times as much, as their few routers do all the asking.
const (
	storeBurst, storeRate   = 100, 10
	peerBurst, peerRate     = 200, 20
	tunnelBurst, tunnelRate = 30, 0.25
	renewBurst, renewRate   = 1, 1.0 / 30 // lookups of one router that is known, but could not be reached
	privateFactor           = 50
)

// Disk.
const (
	writeInterval        = 30 * time.Second
	privateWriteInterval = 5 * time.Second
	maintenanceInterval  = time.Minute
	openTimeout          = time.Second
	minDiskPages         = 2 // bbolt's index is in the first two pages
	// maxImportFiles and maxImportSize bound what an archive makes us read; a reseed file has about 100 entries.
	maxImportFiles = 20_000
	maxImportSize  = 64 << 20
)
