package nat

import "time"

const (
	// TestTime is the longest that a peer test takes as Alice (as in Java I2P).
	TestTime = 30 * time.Second
	// RelayTime is the longest that a relay takes as Alice: i2pd as Bob forgets it after 10 s.
	RelayTime = 12 * time.Second
	// ContactTime is how long Host.Contacted remembers: what RFC 4787 recommends NATs to keep a UDP flow for.
	ContactTime = 5 * time.Minute

	// waitFour is how long Alice waits for message 4. Bob may try two more Charlies within bobTestTime each.
	waitFour = 20 * time.Second
	// waitFive is how long Alice waits for message 5 after message 4 before she opens her NAT with message 6. A message 5 that was lost
	// comes again within 3 s from here, and not before 3 s from i2pd. Charlie forgets the test after 15 s (Java I2P).
	waitFive = 4 * time.Second
	// maxSixes is how often message 6 is sent at most, every resendSix. i2pd 2.45 answers the first only.
	maxSixes  = 4
	resendSix = 2 * time.Second
	// maxFives likewise for message 5: at 0, 1 and 2 s, so before Alice gives up waiting for it.
	maxFives   = 3
	resendFive = time.Second
	// maxSevens answers that many messages 6 of one test.
	maxSevens = 4
	// maxFiveSources bounds the addresses that message 5 came from before message 4 told whose it is.
	maxFiveSources = 4
	// charlieTestTime is how long Charlie waits for message 6.
	charlieTestTime = 20 * time.Second
	// bobTestTime is how long Bob waits for one Charlie.
	bobTestTime = 6 * time.Second
	// maxCharlies is how many Bob asks in turn for one test.
	maxCharlies = 3

	// bobRelayTime is how long Bob waits for Charlie's RelayResponse, as in i2pd.
	bobRelayTime = 10 * time.Second
	// maxPunches is how often a HolePunch is sent at most, resendPunch apart and doubling: the first may come before Alice's NAT lets it in.
	maxPunches  = 4
	resendPunch = 800 * time.Millisecond

	// maxSkew between the signer's clock and ours: twice what a session allows, as in Java I2P.
	maxSkew = 2 * time.Minute
	// nonceWindow is more than 2 x maxSkew: a nonce is remembered for one to two windows, and what is signed cannot be replayed later.
	nonceWindow = 5 * time.Minute
	// maxNonces per window; a full window refuses.
	maxNonces = 8192

	// routerInfoTime is how long a message waits for the RouterInfo that should have come before it.
	routerInfoTime = 3 * time.Second
	// routerInfoPoll is how often Host is asked for it.
	routerInfoPoll = 250 * time.Millisecond
	// maxWaiting bounds those messages, maxWaitingFrom those of one peer; maxWaitingBody is the longest that is kept (a PeerTest has 115 bytes
	// with an Ed25519 signature over IPv6, more with longer signatures).
	maxWaiting     = 64
	maxWaitingFrom = 4
	maxWaitingBody = 512
)

// Tables, and what peers may use of them. A message beyond a limit is refused with the code for that, and beyond limitAnswers dropped.
const (
	// rateWindow is the time that the limits "per window" are for; maxRateKeys bounds the peers that are counted (a full table refuses new ones).
	rateWindow  = 10 * time.Minute
	maxRateKeys = 4096

	maxBobTests        = 64 // at once
	maxBobTestsTotal   = 600
	maxBobTestsAlice   = 20 // per window; Java I2P allows 12 by IP address
	maxBobTestsCharlie = 30 // per window: no more do we bother one Charlie with

	maxCharlieTests      = 64
	maxCharlieTestsTotal = 600
	maxCharlieTestsBob   = 60
	maxCharlieTestsAlice = 20 // by the IPv4 address or IPv6 /64 that packets would go to

	maxAliceRelays = 128

	// maxLooks bounds the RouterInfos that one choice of a peer looks at.
	maxLooks = 64

	maxBobRelays        = 128 // at once
	maxBobRelaysTotal   = 3000
	maxBobRelaysAlice   = 100 // per window
	maxBobRelaysCharlie = 300

	maxCharlieRelays      = 64
	maxCharlieRelaysTotal = 3000
	maxCharlieRelaysBob   = 1000
	maxCharlieRelaysAlice = 30 // by IPv4 address or IPv6 /64

	// limitAnswers is how many refusals one peer gets per window.
	limitAnswers = 40
	// maxTagRequests of one peer per window.
	maxTagRequests = 6
	// maxTagsGot likewise for the RelayTags that one peer sends.
	maxTagsGot = 6
)

// Relay tags and introducers.
const (
	// MaxTags bounds the relay tags that we give. A full table gives none to newcomers. maxGroupTags are for one IPv4 /24 or IPv6 /48:
	// identities cost nothing, and the session of each tag is kept.
	MaxTags      = 256
	maxGroupTags = 8
	// tagTime is how long a tag is good for that is neither asked for again nor used; it ends with the session in any case, which the Host keeps
	// for IntroducerTime from then on.
	tagTime = 6 * time.Hour
	// MaxIntroducers that are published (ih0 to ih2).
	MaxIntroducers = 3
	// maxGotTags bounds the tags that we were given, per family; further ones are ignored.
	maxGotTags = 64
	// IntroducerTime is how long an introducer is published for from its RelayTag on (i2pd: 80 minutes from the begin of the session). From
	// introducerRenew before the end on it is asked for another, and introducerLast before the end it is replaced: i2pd does not answer.
	IntroducerTime  = 80 * time.Minute
	introducerRenew = 30 * time.Minute
	introducerLast  = 10 * time.Minute
	// keepAlive is how often introducers get a packet: NATs forget a flow after 30 s without any (i2pd: 15 s).
	keepAlive       = 14 * time.Second
	keepAliveSpread = 4 * time.Second
	// askAgain is how long after a RelayTagRequest that was not answered a peer is asked again, maxAsked at once.
	askAgain  = 10 * time.Minute
	maxAsked  = 3
	wantSpare = 1 // tags beyond MaxIntroducers, for when one goes
)
