// Package socks is the SOCKS proxy: versions 4, 4a and 5 on one port (layer 1 of the front).
//
//	accept -> first byte -> 5: method choice -> go-socks5 handshake --\
//	                        4: request4 -----------------------------> rules -> dial -> reply -> proxies.Relay
//	                        a letter: a short HTTP answer      \-----> UDP ASSOCIATE: association
//
// The SOCKS 5 handshake is that of github.com/armon/go-socks5, with one of its servers per connection, so that its
// callbacks know which connection they serve. session5.go lists what is covered from outside, and why. It never
// sees a stream: relaying is done by proxies.Relay when its ServeConn has returned.
//
// Every request is decided by proxies.Policy, names and addresses alike, and every packet of an association too. User name
// and password are checked if the listener has users. If not, they isolate: streams with different ones share no client
// destination, as in Tor.
//
// RESOLVE and RESOLVE_PTR, Tor's extensions, are answered with "command not supported": I2P has no addresses.
//
// Goroutines: Serve runs the accept loop, starts one goroutine per connection, and ends them all before it
// returns. A connection has one more while it dials (it notices a client that hangs up) and one more while it
// relays. An association has one for its TCP connection, one per lane and one per packet socket.
package socks
