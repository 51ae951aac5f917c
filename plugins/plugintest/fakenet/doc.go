// Package fakenet is an I2P network in memory, for tests of plugins: destinations with real names and addresses, streams and
// datagrams between them, and no tunnels. It is a gate.Network; peers outside clove are made with Listen, Dial and ListenPacket.
//
// A stream is a pair of connected unix sockets, so that half-close, deadlines and backpressure are the kernel's, as with clove's
// own. No goroutines.
package fakenet
