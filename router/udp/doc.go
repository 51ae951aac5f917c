// Package udp is a UDP socket that moves many packets with one system call.
//
// Layer: above it is router/transport/ssu2, below it the kernel. It knows neither sessions nor protocols.
//
//	Read:  recvmmsg -> messages, each one packet or (UDP_GRO) a row of packets of one sender -> []Packet
//	Write: []Train, each a row of equal packets to one address -> sendmmsg, a train as one message (UDP_SEGMENT)
//
// What the system offers is found out by Listen and used as far as it goes: offload (UDP_GRO and UDP_SEGMENT), batches
// (recvmmsg and sendmmsg), one packet per call. A network card or a route that refuses offload at run time turns it
// off for the socket, and what was refused is sent again in pieces, so that the caller sees only the speed. Features
// says what is in use.
//
// Packets are never fragmented: the "don't fragment" bit is on, and a packet larger than what the interface takes is
// reported with ErrTooLarge in its train. What ICMP says is not believed and not reported: the caller finds the MTU of a
// path by its own probes.
//
// The package starts no goroutine. Read is for one goroutine at a time, Write for any number. Neither allocates.
package udp
