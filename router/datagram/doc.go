// Package datagram is the datagrams of I2P: net.PacketConn over a Carrier (layer 3).
//
// A Stack belongs to one Destination. Four kinds travel side by side, told apart by their protocol number, and each has
// ports of its own:
//
//	kind       protocol  the receiver learns       proven by
//	Datagram1  17        the sender's Destination  its signature of the payload
//	Raw        18        a port                    nothing
//	Datagram2  19        the sender's Destination  its signature of receiver and payload: no use to replay elsewhere
//	Datagram3  20        the sender's hash         nothing
//
//	application       WriteTo                              ReadFrom
//	                     |                                    |
//	Conn              sign, make the packet                parse, verify, skip what is not right
//	                     |                                    |
//	Stack             LeaseSet known? else wait (bounded)  by kind and port into the Conn's queue (bounded)
//	                     |                                    |
//	Carrier           Send(to, kind, ports, packet)        Deliver(kind, ports, packets)
//
// Deliver only queues: what arrives costs the goroutine of the session next to nothing, and signatures are checked by
// those who read, at their pace. No write waits for the network: packets to a destination whose LeaseSet is not known wait
// in a queue of that destination, while workers of Run look it up.
//
// Goroutines: Run has the workers; nothing else starts one.
//
// Read conn.go and write.go first, then stack.go and waiting.go. Wire formats: datagram1.go, datagram2.go, datagram3.go, after the
// Datagram Specification.
//
// This package is stable: what is exported here keeps its meaning.
package datagram
