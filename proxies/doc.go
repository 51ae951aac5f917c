// Package proxies is what the proxies share (layer 0 of the front; it knows nothing of the router).
//
// A proxy turns what an application asked for into a Target, opens a stream to it through the injected Dialer,
// and moves bytes:
//
//	application -> Listener -> (SOCKS or HTTP) -> ParseHost -> Target -> Opener -> Dialer -> stream
//	application <------------------------- Relay ------------------------------------------> stream
//
// Nothing in this package or below it opens a socket to the outside or asks a name server: the Dialer is the only
// way out, and it is never called with a name that is not an .i2p name or a base64 destination.
//
// Errors that a proxy tells apart for its user are declared in errors.go; a Dialer wraps them.
//
// Goroutines: Relay starts one and ends it before it returns; Client.Watch starts one that its stop function
// ends. Everything else runs on its caller's.
//
// Read target.go first, then open.go and relay.go.
package proxies
