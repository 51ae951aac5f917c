package httpguard

import "time"

// Limits of one server. All must be set.
type Limits struct {
	FirstLine   time.Duration // from the first byte, of the first request from the start of the connection, to the end of the line
	Head        time.Duration // the same, to the end of the head
	Idle        time.Duration // between requests
	Stall       time.Duration // of a body or an answer that does not move
	LineBytes   int           // of one line, also the first
	HeadLines   int           // header lines
	HeadBytes   int           // the whole head
	UpgradeIdle time.Duration // as Stall, once the connection is something else, such as a websocket
}

// Strangers is what a server grants to anybody: what Java I2P's servers grant, so that every client of the network fits in.
func Strangers() Limits {
	return Limits{
		FirstLine: 15 * time.Second, Head: 30 * time.Second, Idle: 2 * time.Minute, Stall: 5 * time.Minute, UpgradeIdle: time.Hour,
		LineBytes: 8 << 10, HeadLines: 60, HeadBytes: 32 << 10,
	}
}

const (
	// readSize is the least room for a read while a head is gathered.
	readSize = 2 << 10
	// chunkLine bounds the line before a chunk: 16 digits and an extension that nobody uses.
	chunkLine = 256
	// trailerBytes bounds what follows the last chunk.
	trailerBytes = 4 << 10
	// marginBytes is what net/http's own limit is larger than ours: the guard's has to be the one that is met.
	marginBytes = 8 << 10
)
