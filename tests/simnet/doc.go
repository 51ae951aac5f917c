// Package simnet is a network in memory: destinations that send streaming packets to each other over links with
// delay, jitter, loss, reordering, duplication and a rate.
//
// A Station is a streaming.Carrier. All time is that of package time, so under testing/synctest a transfer of
// minutes takes as long as its computation; all choice comes from one seed. Run delivers, in batches of what is due
// at the same moment to the same station.
package simnet
