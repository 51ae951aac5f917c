// Command benchssu2 measures the data phase of SSU2: packets per second, and CPU per MB, for each way in which packets go to
// the kernel and come from it.
//
//	go run ./tests/benchssu2 [-modes plain,batched,auto] [-time 2s] [-repeat N] [-profile DIR]
//	    [-network bin/bench-network -clove bin/clove [-size MB]] [-i2pd PATH,...]
//
// The first part is two processes with SSU2 transports in a network namespace with nothing but loopback. One pushes I2NP
// messages to the other as fast as they are acked, over one session, and from one transport over 16 sessions to as many. It
// prints
//
//	MB/s      10^6 bytes of messages that arrived, and the slowest and the fastest push
//	kpkt/s    packets from the sender to the receiver
//	ack/pkt   packets back for each of them
//	pkt/msg   packets for each message: what is more than it takes was sent again
//	pkt/call  packets for each system call of the sender
//	lost      packets, or trains of them, that the kernel had no room for
//	CPU       milliseconds per MB of the sender, with some 10 to 20 % for the making of messages, and of the receiver
//	transit   MB per CPU second of a router that receives and sends: 1000 by the sum of both, without the AES of tunnels
//	ping      round trips of single messages
//
// With -i2pd the same sender pushes to i2pd as well: TunnelData of a tunnel that it does not have.
//
// The second part, with -network, is tests/benchnetwork: downloads through whole networks with SSU2 alone and tunnels of 0 hops
// and of 1, of clove in each mode, and of each i2pd. UDP/MB and datagrams/s are as the kernel counts them, where a train that
// it gets in one piece (UDP_SEGMENT, in mode auto) is one.
//
// All values are medians, and in the first part the modes take turns. On loopback the kernel hands such a train over
// as it is, and never cuts it up: mode auto is a best case.
package main
