// Clove-plugin-irc is the tunnel plugin for IRC (layer 3).
//
//	irc-client   IRC client -> local port -> filter -> stream to a destination -> ... -> IRC server
//	irc-server   stream from a destination -> USER or WEBIRC with the host that stands for it -> local IRC server
//
// What passes the filter is decided in the package filter; here are connections, and the direct ones between clients (DCC).
// Read client.go, session.go and server.go in this order.
//
// Goroutines: Tunnel.Serve has one for each connection; a client's session starts a second one for the other direction and
// ends it before it returns.
package main
