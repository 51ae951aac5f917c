// Package nat is peer test and relay of SSU2: how a router learns whether strangers reach it, and how they reach it through an introducer
// if not. It has all three roles of both (Alice asks, Bob passes on, Charlie answers), and the books of relay tags.
//
//	blocks 7-10, 15, 16 of a session -> Engine.HandleBlock   \                    / Host.SendBlocks, Host.SendRouterInfo
//	PeerTest and HolePunch packets   -> Engine.HandleOutside  > tables of nonces <  Host.SendOutside
//	StartTest, Relay, Tick           -> Engine               /                    \ Host.TestDone, Host.RelayDone
//
// Peer test, one nonce: 1 Alice to Bob, 2 Bob to Charlie, 3 back, 4 Bob to Alice; 5 Charlie to Alice from an address that she never sent
// to; 6 Alice to Charlie, which opens her NAT for him; 7 Charlie to Alice, with the address that 6 came from.
// Relay: RelayRequest Alice to Bob, RelayIntro Bob to Charlie, RelayResponse the whole way back; HolePunch Charlie to Alice with the same response,
// whose token is for her SessionRequest.
//
// No goroutine, no lock, no clock, no I/O: one caller at a time, who passes the time and calls Tick at Deadline. Host is called from within the
// engine, so it must neither block nor call the engine. What peers send is dropped and counted where it is wrong, never an error.
// Every table is bounded (limits.go); a full one refuses the newcomer with the code for it, so that nobody pushes others out.
//
// Read api.go, then test_alice.go and relay_alice.go. Specification: SSU2, "Peer Test Process", "Relay Process", "Hole Punch".
package nat
