package relay

import "time"

const (
	// bufferSize is per direction, held while a relay lives. Streams carry packets of about 1.8 KB, so that a larger one
	// buys nothing, and 2,000 idle tunnels stay under 64 MiB.
	bufferSize = 16 << 10

	// drainTime and drainBytes bound the reading of what a refused client still sends: closing a TCP socket with unread
	// bytes resets it, and the client never sees why it was refused.
	drainTime  = time.Second
	drainBytes = 256 << 10
)
