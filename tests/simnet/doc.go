// Package simnet has two networks in memory, over links with delay, jitter, loss, reordering, duplication and a rate.
//
// A Network connects destinations that send streaming packets to each other. A Station of it is a streaming.Carrier. Run
// delivers, in batches of what is due at the same moment to the same station.
//
// An Internet connects hosts that send UDP datagrams to each other, with NATs and firewalls between. Its Socket has the
// methods of udp.Socket.
//
//	host --lane--> domain (inside) --> NAT: mapping --lane--> domain (public) --lane--> NAT: filter --> ... --> host
//
// A datagram is looked at by each box when it gets there, so that a hole that is punched while it is on its way lets
// it in.
//
// All time is that of package time, so under testing/synctest a transfer of minutes takes as long as its computation;
// all choice comes from one seed.
package simnet
