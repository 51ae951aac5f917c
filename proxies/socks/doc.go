// Package socks is the SOCKS proxy: versions 4, 4a and 5 on one port (layer 1 of the front).
//
//	accept -> first byte -> 5: method choice -> go-socks5 handshake --\
//	                        4: request4 -----------------------------> open -> reply -> proxies.Relay
//	                        a letter: a short HTTP answer
//
// The SOCKS 5 handshake is that of github.com/armon/go-socks5, with one of its servers per connection, so that its
// callbacks know which connection they serve. session5.go lists what is covered from outside, and why. It never
// sees a stream: relaying is done by proxies.Relay when its ServeConn has returned.
//
// User name and password isolate: streams with different ones share no client destination.
//
// Goroutines: Serve runs the accept loop, starts one goroutine per connection, and ends them all before it
// returns. A connection has one more while it dials (it notices a client that hangs up) and one more while it
// relays.
package socks
