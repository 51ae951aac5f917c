// Package bandwidth counts and limits what a router sends and receives (layer 0).
//
// A Limiter has three token buckets: in and out, for which the transports wait, and the share of out that tunnels
// of others may use, which never waits: what does not fit is dropped at the door, so that data of others queues
// nowhere. There are no goroutines; a Limiter is safe for concurrent use.
package bandwidth
