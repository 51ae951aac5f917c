package flow

import "time"

// A controller decides how many bytes may be in flight. Bytes are of payloads.
type controller interface {
	window() int
	// slowStart tells the pacer to go ahead of the window's growth.
	slowStart() bool
	// sample takes a round trip time, round the end of a round trip in which so many packets were acked and lost.
	sample(t instant, rtt time.Duration)
	round(t instant, acked, lost int)
	// acked takes packets of that many bytes, of which the last was sent at sent, with inFlight bytes in flight before.
	acked(t, sent instant, bytes, inFlight int, rtt time.Duration)
	// lost takes a lost packet, and the rate of loss in the long run.
	lost(t, sent instant, rate float64)
	// spurious takes a lost packet back.
	spurious(sent instant)
	// persistent is called when several probes in a row got no ack.
	persistent(t instant)
	// ecn is called when the peer reports congestion.
	ecn(t instant)
	// resize changes the size of full packets. limit holds the window at its least.
	resize(packet int)
	limit(on bool)
	reset(t instant)
}
