// Package flow is the reliability of one SSU2 session (layer 6): it decides what goes into the next packet and when, and puts messages together from the
// packets that arrive. It knows no keys and no sockets.
//
//	messages  -> Queue   -> sendQueue -+
//	blocks    -> Control ------------- +-> Fill -> number, payload -> (sealed and sent by ssu2)
//	acks due, probes, lost fragments --+     |
//	                                         +-> sentLog: number -> blocks, until acked or lost
//	(opened by ssu2) payload, number -> Receive -> received: once each; what to ack
//	                                            -> Ack: sentLog, rttEstimator, lossDetector, controller
//	                                            -> assembly, delivered -> Handler.Message; other blocks -> Handler.Block
//
// A Flow is a state machine without goroutine, lock or clock: its session's lock is held, and every call has the time. After each call Deadline is when Fill is to
// be called next if nothing else happens; all timers are in it: acks, losses, probes, pacing, incomplete messages.
//
// What is lost is sent again by fragments, in new packets with new numbers ("Packet Numbers", "Retransmission"). Delivery is best effort, as everywhere in
// I2P: a message that expires is dropped, in the queue and after a loss; after 30 s without an ack the session has failed.
//
// Read first: fill.go and receive.go, then sent.go, acked.go, loss.go and cubic.go (which says why it is not NewReno or BBR), queue.go, pick.go and fragment.go,
// received.go and ack.go, assembly.go and pieces.go, path.go and mtu.go; limits.go has every bound with its reason. Specification: SSU2, "Data Message",
// "Congestion Control", "I2NP Message Fragmentation", "MTU"; RFC 9002 (loss), RFC 8985 (reordering), RFC 9438 (CUBIC), RFC 9406 (HyStart++), RFC 8899 (path
// MTU).
//
// After an error from Receive the flow may go on; whether it should is the caller's policy.
//
// Facts about i2pd (2.58) that the code allows for: it acks at once, up to 32 ranges and 511 numbers back; it acks number 0 before it got it, so that number 0 of
// a responder carries an ack only; it acks numbers that it never got when its table of gaps is full, so that losses are remembered for a short time only; it resends
// whole packets with the ack of their time; it takes 64 fragments, and loses the header of a message of three and more that a fragment in the middle
// completes, so that fragments are sent in order; and it never sends a packet of more than 1500 bytes.
package flow
