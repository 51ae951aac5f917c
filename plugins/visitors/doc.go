// Package visitors decides which I2P destinations may use a tunnel and how often (layer 0): access and deny lists, limits
// for each of them and for all together, bans, and the loopback address by which a local server can tell them apart.
//
// Nothing here has a clock, a goroutine or a socket: the time is an argument. Every table is bounded and forgets whom it has
// not seen for longest. Read book.go first.
package visitors
