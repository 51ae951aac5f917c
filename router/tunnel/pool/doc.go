// Package pool keeps the router's own tunnels alive (layer 6): it chooses peers, builds, tests and replaces.
//
// There is one Pool for the router (exploratory tunnels) and one for each client destination; a Table, one per
// router, finds the tunnel that a message belongs to by its id, and the build that a reply belongs to by its message
// id. Messages that leave an inbound tunnel go to the pool's Owner on the goroutine of the transport session that
// they came by; the only goroutine of a Pool is the one that runs Run.
//
// The life of a tunnel:
//
//	choose peers -> build sent -> reply: all hops agree -> established -> (tested 4 times a minute) -> replaced
//	                    |               one refuses  -> peers are told, next try after a back-off   before it expires
//	                    +-- no reply within BuildTimeout: the same
//
// Read first: pool.go (Run), then schedule.go, builder.go, tester.go and choose.go.
package pool
