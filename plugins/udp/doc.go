// Command clove-plugin-udp bridges local UDP and the datagrams of I2P.
//
//	udp-client   application -> local port -> a lane of its own -> destination, and its answers back the same way
//	udp-server   datagram -> who is it, are they welcome -> a local socket of the peer's own -> local server, and back
//
// A lane is an I2P port of the tunnel: the other side tells applications apart by it. i2pd's UDP tunnels sign a datagram only
// if they were quiet for 100 ms, and send raw ones else; so each lane, and each server, takes both kinds unless told not to.
//
// Goroutines: Run reads the local port (client) or the signed datagrams (server) and one more the raw ones; each lane has
// one or two readers, each peer of a server has one. All end before Run returns. Every queue is the host's: nothing waits here.
//
// Read first: client.go, lanes.go; server.go, peers.go.
package main
