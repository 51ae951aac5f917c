package garlic

import "time"

const (
	// defaultMaxPeers bounds the far ends with sessions, per keeper. Beyond it the least useful of a few is dropped:
	// a flood of New Sessions mostly evicts itself.
	defaultMaxPeers = 4096
	// defaultMaxTags bounds the tags of all sessions together (16 bytes each, up to twice that in the table).
	defaultMaxTags = 1 << 19
	// defaultNewSessionRate bounds the New Sessions, replies and router messages opened per second, each of which costs
	// a DH or two (about 50 us) even if it is garbage. One per 200 ms, as elsewhere, lets anyone starve honest peers;
	// this is 3 % of a core. Twice the rate may come at once.
	defaultNewSessionRate = 400
	// defaultRouterRate is that of the router's keeper: a floodfill gets most of its messages sealed.
	defaultRouterRate = 2000
	// maxOneTime bounds the keys and tags handed out and not yet used.
	maxOneTime = 1 << 14

	// maxOffers bounds the New Sessions to a peer whose replies are awaited; each costs 16 tags.
	maxOffers = 8
	// maxAsks bounds the New Sessions of a peer that wait for our reply or for its choice of one.
	maxAsks = 8
	// maxOld bounds the established sessions of a peer beside the one in use.
	maxOld = 4
	// offersPerMinute bounds the New Sessions to one peer. Whoever drops its replies must not make us send without
	// forward secrecy forever (4a, KCI), nor burn a core on key pairs.
	offersPerMinute = 120

	// healAfter: the session in use heard nothing for so long while another one did: the peer uses that one.
	healAfter = 15 * time.Second
	// evictSample peers are compared when one must go.
	evictSample = 16

	// TickInterval is how often the owner calls Due.
	TickInterval = 250 * time.Millisecond

	// twoFragments is the largest garlic body (without its length) that two tunnel messages carry: 1956 bytes without
	// the I2NP header (16) and the length (4). Padding never makes a third one.
	twoFragments = 1936
)
