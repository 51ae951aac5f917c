// Package proxies is what the proxies share (layer 1 of the front; it knows nothing of the router).
//
// A proxy turns what an application asked for into a Target, opens a stream to it through the injected Dialer,
// and moves bytes:
//
//	application -> Listener -> (SOCKS or HTTP) -> Guard: who is it -> Policy: where may it go -> Target
//	            -> Opener -> Dialer -> stream, with Via to an outproxy tunnel, where ThroughProxy says CONNECT
//	application <------------------------- Relay ------------------------------------------> stream
//
// Nothing in this package or below it opens a stream to the outside or asks a name server: the Dialer is the only
// way out. A Target without Via is an .i2p name or a destination; with Via it is a clearnet name or a public address that a
// rule allows. What is on this computer or in a private network is refused before any rule is asked (ParseAnyHost).
//
// Rules decide (Policy.Decide, without a lock; SetRules changes them at any time), can be asked (Policy.Explain), and what
// they decided about clearnet traffic is counted without names (Policy.Audit).
//
// An Isolation is what streams must share to leave from one destination. IsolationPolicy makes it of listener, user and site.
//
// Errors that a proxy tells apart for its user are declared in errors.go; a Dialer wraps them.
//
// Goroutines: Relay starts one and ends it before it returns; Client.Watch starts one that its stop function
// ends. Everything else runs on its caller's.
//
// Read target.go first, then policy.go and rules.go, open.go, and relay.go.
package proxies
