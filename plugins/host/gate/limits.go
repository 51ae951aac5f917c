package gate

import "time"

// DefaultMaxConnections of a tunnel, accepted ones and dialled ones each. A proxy's browser opens up to 100, and each one costs
// two descriptors and 32 KiB.
const DefaultMaxConnections = 256

// Connections.
const (
	// joinIdle closes a connection that moved nothing for so long. Plugins have shorter limits of their own; IRC and ssh are quiet
	// for hours.
	joinIdle = 24 * time.Hour
	// joinLinger is for a connection that one side has ended, and nothing moves on the other.
	joinLinger = 15 * time.Minute
	// hangupLinger is for one that the plugin has closed altogether: nobody is there to read what may still come.
	hangupLinger = 5 * time.Second

	defaultDialTime = time.Minute // an I2P stream needs a lookup, perhaps tunnels, and two round trips of seconds
	maxDialTime     = 3 * time.Minute
	openTime        = 2 * time.Minute // for Network.Open
)

// Listeners.
const (
	// queueLength and queueTime bound what waits while no plugin accepts: a plugin that crashed is back within 5 s, and a client
	// that hears nothing for 15 s has given up.
	queueLength = 64
	queueTime   = 15 * time.Second
	// maxListeners of a tunnel, packet sockets too: port maps have a few dozen.
	maxListeners = 64
	// acceptPause is between tries after an error such as too many open files, acceptTries how often in a row.
	acceptPause = 100 * time.Millisecond
	acceptTries = 100
)

// Isolation.
const (
	// maxIsolated destinations of a tunnel: each one costs the network a set of tunnels. Those without streams make room.
	maxIsolated = 32
	// isolatedIdle closes one that has no streams: a user who reads a page comes back within minutes.
	isolatedIdle = 10 * time.Minute
	maxIsolation = 1 << 10 // bytes of an isolation string
)

// One plugin process.
const (
	// maxTickets outstanding for each tunnel: a plugin redeems them within milliseconds, and one that does not blocks itself.
	maxTickets = 64
	// lateLife of a ticket whose Accept call was cancelled: who got the message connects within milliseconds, and the client of a
	// lost one waits for the next accepter.
	lateLife = time.Second
	// maxPreambles is how many data connections may be before the end of their preamble, each within preambleTime. The kernel
	// keeps others waiting, at no cost in our descriptors.
	maxPreambles = 64
	preambleTime = 10 * time.Second

	// maxControl connections to the Host service: a client needs one.
	maxControl = 8
	// maxCalls running in all of them, Accept too; with maxMessage each they cost 72 MiB at the worst.
	maxCalls   = 1024
	maxMessage = 72 << 10 // bytes: a Put with its value of 64 KiB
	maxAnswer  = 4 << 20  // bytes: gRPC's clients take no more by default

	// maxUntaken bytes of answers of a connection may wait for its client. maxReads and maxOpens calls whose answer may be large run
	// at once: what comes in between is 24 MiB at the most.
	maxUntaken = 4 << 20
	maxReads   = 8
	maxOpens   = 16

	maxHeaders     = 8 << 10
	streamWindow   = 64 << 10
	connWindow     = 256 << 10
	controlBuffer  = 16 << 10
	controlTime    = 10 * time.Second // for the HTTP/2 preface
	keepaliveTime  = 5 * time.Minute  // a process that hangs so long is about to be restarted anyway
	keepaliveReply = time.Minute
	pingInterval   = 10 * time.Second // pings that come faster end the connection

	maxAddress = 1 << 10 // bytes of an address in a call: a base64 destination has 516 and more
	maxPath    = 4 << 10 // bytes
)

// Packets.
const (
	// packetQueue and packetBytes bound what waits for a plugin that reads slowly; what comes then is dropped and counted.
	packetQueue = 256
	packetBytes = 256 << 10
	// packetGrace keeps a packet socket whose data connection ended, for the next process.
	packetGrace = queueTime
	// packetTime bounds the sending of one packet: a lookup may be needed.
	packetTime = 10 * time.Second
	// maxPeers and peerLife: whom a socket may answer.
	maxPeers = 4096
	peerLife = 10 * time.Minute
)

// Store, as the contract has them.
const (
	maxKey   = 256
	maxValue = 64 << 10
	maxStore = 1 << 20
	// keyCost is what a key counts beside its bytes: else a million short keys cost 100 MiB of memory.
	keyCost = 64
	// Writes reach the disk before they return; more than this wait.
	storeRate  = 50 // per second
	storeBurst = 200
)

// Logs.
const (
	maxLogText = 4 << 10
	logRate    = 10 // lines per second and tunnel
	logBurst   = 100
)

// maxEntries of a folder: what fits into an answer.
const maxEntries = 4096

// maxClearnetAddresses that DialClearnet tries: a name may have hundreds.
const maxClearnetAddresses = 4

// maxEarly is how many packets of a socket wait for a plugin to take it: those of the moment between the answer to ListenPacket
// and the data connection, and of a restart. At most 2 MiB.
const maxEarly = 32
