// Package testnet is an I2P network of whole routers in one process, on virtual time.
//
// New must be called within a testing/synctest bubble. The routers are those of package router; only their TCP is
// another one, in memory (lan.go), so that waiting costs nothing and minutes pass in seconds. What can be drawn
// from a seed is: keys, and so all distances in the netDb, and who knows whom at first. Who is chosen for a
// tunnel and the order of what happens at the same moment are not.
//
// Everything ends within the bubble: Network is closed by a Cleanup, and a goroutine that a router leaves behind fails the
// test. A test that fails prints what the routers logged last, their counters and the bytes of each link.
package testnet
