// Package natlab is a laboratory of network namespaces: an internet, hosts on it and hosts behind NAT boxes and firewalls
// of every kind (nftables), with uplinks that lose, delay, reorder, repeat and change packets, and with i2pd and clove
// on the hosts. Nothing in it can reach the public network.
//
//	Network: I2pd, Clove, netns.Web          routers, each with a seed of those before it
//	   |
//	Host -- veth -- NAT box -- veth ------ internet (routes only)
//	Host -- TUN -- Relay -- TUN --------------'
//
// A namespace is a thread that has entered it; all that is to be in the namespace is opened or started there. A Relay has four
// goroutines. The tests run in a copy of the test binary that is in a fresh network namespace itself (tests/netns), as root or,
// but for relays, as root of a user namespace. Read host.go, nat.go and relay.go, then network.go.
//
// Environment:
//
//	CLOVE_INTEROP=required   a missing program is a failure, not a skip
//	CLOVE_NATLAB=full        what takes minutes runs too (give -timeout 40m); without it, one
//	                         verdict by tests and one relay (TestCloveBehindNAT, 1 to 2 minutes)
//	CLOVE_INTEROP_LONG=1     all pairs of kinds, all impairments, 10 MB (give -timeout 120m)
//	CLOVE_INTEROP_LOG=debug  of the routers
//	I2PD=/path/to/i2pd       another i2pd
//
// # NAT boxes
//
// Linux keeps the number of a port if it can, so that all kinds but Symmetric (masquerade random,fully-random) show one
// port to everybody. What comes unsolicited has to be dropped before conntrack confirms it: an entry of it is in the way
// when the inside sends to the same place a moment later, and gets that another port, and then no hole can be punched.
//
// # What clove finds out
//
// Verdicts, Bobs and Charlies being i2pd (TestCloveVerdicts):
//
//	public, full cone                           ok, at its port
//	full cone that shows another port           ok, at that one
//	firewalled, address- and port-restricted    firewalled; so too if the NAT shows another port
//	symmetric                                   symmetric, without any test
//
// # What i2pd 2.45.1 does
//
// Verdicts, one Bob in the seed (TestI2pdVerdicts):
//
//	public, full cone                           OK                          caps R
//	firewalled, address- and port-restricted    Firewalled                  caps U
//	symmetric                                   Firewalled - Symmetric NAT  caps U
//	any NAT that shows another port             Firewalled - Symmetric NAT  caps U
//
// The last is so even for full cone: i2pd publishes its own port, and asks to be tested there.
//
// Peer tests:
//   - It tests at its start, with up to five Bobs at once (cap B, address published), whatever `nat` says; then every 45 s, first
//     after 75 s, while the status is Testing, else every 71 minutes. The page "commands" of the console starts one.
//   - As Alice it has a verdict at the first answer: message 4 with code 0 before message 5 is Firewalled, message 5 makes OK of
//     that, a refusal makes Unknown.
//   - With several Bobs a restricted NAT may become "OK": Alice dials, as one Bob, the router that is Charlie for another, and
//     takes message 5, which comes through that hole, for unsolicited.
//   - As Bob it takes any of its sessions for Charlie's, of which some are none: those that it keeps as Charlie for a firewalled
//     Alice whose message 6 never comes. Then message 2 goes nowhere and Alice gets no message 4: about one test in ten here.
//     There is no error, and no second try: Alice has to ask another Bob.
//   - As Charlie it refuses with code 68 who has a session with it. In a network where everybody knows everybody most tests end
//     so. A Bob needs three routers: Alice, itself, and one that has no session with Alice.
//
// Relays:
//   - It publishes introducers only with ssu2.published, after the verdict Firewalled: the first after 15 s, then it looks every 30 s.
//     A tag is asked for in SessionRequest and given in SessionCreated only: a RelayTagRequest later is taken but not answered.
//   - It is asked for only if the status is Firewalled by then, so that sessions of before give none.
//   - Through introducers sessions come about between all kinds but Symmetric with Firewalled, PortRestricted or Symmetric
//     (TestI2pdRelay), 2 to 15 s after the start: it looks after tunnels every 5 s. About one in ten fails: two that are introduced
//     to each other at the same moment both give up, for minutes.
//   - It keeps the way to its introducers open with padding of 5 to 18 bytes every 30 s, and sends none of the 5 in 16 that have less
//     than 8: the NAT closes now and then, and nobody gets to it until it sends something else.
//   - A floodfill answers a destination without hops through one of its own tunnels. If that ends at a router which has no session with
//     the one that asks, and cannot open one, the answer is lost: a fresh router behind a NAT may wait a minute for a LeaseSet.
//
// Data phase: packets that hold no I2NP message, fragment or PeerTest are not acked, not even PathChallenge, which is answered by
// PathResponse alone.
//
// Downloads of 10 MB over one session (tunnels without hops, round trip 20 ms but for the first), on two busy cores:
//
//	impairment, both directions  i2pd kB/s  packets sent
//	nothing, no delay                2,072        24,339
//	delay only                         987        20,504
//	loss 1 %                           575        24,554
//	loss 5 %                           333        25,535
//	loss 10 %                          219        26,821
//	10 % reordered by 10 ms            729        22,612
//	jitter of 10 ms                    540        26,031
//	10 % repeated                    1,436        20,849
//	1 % changed                        698        31,471
//	500 kB/s, queue of 64 KiB          242        28,181
//
// All with equal hashes. The session that a destination's LeaseSet needs is there after 5 to 12 s; now and then i2pd does not publish it
// at its start, and then a minute later.
package natlab
