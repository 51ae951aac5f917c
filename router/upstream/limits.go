package upstream

import "time"

const (
	// maxCredential is the most that RFC 1929 has room for.
	maxCredential = 255
	// maxHeader bounds the answer of an HTTP proxy: status line and header fields. Squid's error answers have 500 bytes of them.
	maxHeader = 8 << 10
	// dialTimeout bounds the connection to the proxy and all that it is asked; the proxy's own dial of the peer is within it.
	// NTCP2 has 5 s for a direct connection.
	dialTimeout = 10 * time.Second
)
