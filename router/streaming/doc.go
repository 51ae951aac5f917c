// Package streaming is the reliable byte stream of I2P: net.Conn and net.Listener over a Carrier (layer 3).
//
// A Stack belongs to one Destination. Packets go out through the Carrier, which knows LeaseSets, encryption and
// tunnels, and come in by Deliver or DeliverBatch. The package knows nothing below the Carrier, so it is tested
// alone over tests/simnet.
//
//	application          Dial, Listen, Accept     Read, Write, Close
//	                           |                       |
//	Stack  -- stream id --> Conn: send queue -> loss detection, congestion window, pacing -> packets
//	                              receive buffer <- order, acknowledgements, choking     <- packets
//	                           |
//	Carrier              Send(to, ports, packet)           Deliver(ports, packet)
//
// The life of a connection:
//
//	Dial: SYN sent ---- SYN reply ----> established -- Close: CLOSE sent -> CLOSE acknowledged, peer's CLOSE seen
//	SYN came in: SYN reply sent, queued for Accept -^                        -> kept a while for late packets -> gone
//	any state -- RESET from either side, or no answer --> failed
//
// Goroutines: Run runs the timers of all connections and the LeaseSet look-ups; nothing else starts one. The work on
// a packet is done by the goroutine that delivers it, on a write by the writer. Each Conn has one lock; packets
// leave after it is released, in order.
//
// Wire format: specification "Streaming Protocol". Where Java I2P and i2pd differ from it or from each other, the
// place in the code says so.
//
// Read packet.go, then stack.go, deliver.go and receive.go for the way in; send.go and transmit.go for the way out;
// ack_in.go, rack.go and congestion.go for what acknowledgements cause.
package streaming
