package flow

import (
	"math"
	"time"
)

const (
	cubicC    = 0.4 // packets per second cubed
	cubicBeta = 0.7
	// startSamples of a round are needed to compare it with the one before (HyStart++, RFC 9406), cautiousRounds end slow start.
	startSamples   = 8
	cautiousRounds = 5
	// roundSamples of a round are enough to know its round trip time.
	roundSamples = 4
	// The share of the window that is kept.
	leastShare = 0.5
	mostShare  = 0.85
	drainSlack = 0.05
	// A loss without a queue counts as congestion if so many are lost: in the long run, or at once in a round of some packets. Beyond these the peers'
	// networks lose less by themselves than our packets would displace.
	tooManyLost    = 0.15
	burstLost      = 0.25
	burstLostLeast = 8
	// calm times after a congestion event the window may grow by calmGain (an eighth) per round if there is no queue.
	calmTime  = time.Second
	calmRTTs  = 20
	calmShift = 3
	// A path that waits longer than a share of the least round trip time, within these bounds, has a queue. Below the lower one it may be a busy
	// machine at either end, whose timers and threads are late.
	queueShare    = 8
	leastQueueing = 4 * time.Millisecond
	mostQueueing  = 16 * time.Millisecond
	// floorEvents in a row that leave the least window: what remains of the queue is not ours, or the path has got longer. Up to mostLift of it then
	// counts as no queue. More is one that others keep full: without regard to it we would only lose more, as they would.
	floorEvents = 3
	mostLift    = 24 * time.Millisecond
)

// cubic is CUBIC (RFC 9438) with HyStart++ that tells random loss from congestion by delay.
//
// Peers and paths of this network lose packets at random (overloaded home routers, radio links), and i2pd, the other end and the neighbour on the link,
// halves its window down to 16 packets only and doubles it within a round. NewReno's rate under a loss of p is 1.2/sqrt(p) packets per round trip, 5 packets
// at 5 %; ours would be a small share of i2pd's. BBR ignores loss altogether, but needs a good sample of the least round trip time and bandwidth of every
// session, of which most send in spurts, and shares a queue badly with TCP. This one is CUBIC wherever there is a queue: when a packet is lost and the
// least round trip time of the round is above the least known, the window goes down to what the path holds without the queue. Without a queue it stays,
// unless a quarter of a round or 15 % over many are lost.
type cubic struct {
	packet    int // bytes of a full packet
	cwnd      int
	threshold int  // of slow start
	limited   bool // held at the least

	least        minimum // round trip time
	thisRound    time.Duration
	lastRound    time.Duration
	samples      int
	cautious     int // rounds since slow start turned cautious, 0: it did not
	cautiousBase time.Duration

	wMax, k  float64 // packets, seconds
	origin   float64 // packets
	epoch    instant // start of the curve, -1: none
	recovery instant // losses of packets sent before belong to the last event
	event    instant // the last one, or -1

	lift       time.Duration // above least, as long as no round is faster; see atFloor
	floored    int           // events in a row that left the least window
	prior      [2]int        // window and threshold before the last event
	eventLost  int           // packets of the last event
	eventFalse int           // those of them that were not lost
}

func newCubic(packet int) *cubic {
	c := &cubic{packet: packet}
	c.reset(-1)
	return c
}

func (c *cubic) reset(t instant) {
	*c = cubic{packet: c.packet, limited: c.limited, cwnd: initialWindow * c.packet, threshold: math.MaxInt, recovery: t, event: -1, epoch: -1}
}

func (c *cubic) window() int {
	if c.limited {
		return lowestWindow * c.packet
	}
	return c.cwnd
}

func (c *cubic) slowStart() bool { return c.cwnd < c.threshold }

func (c *cubic) limit(on bool) { c.limited = on }

func (c *cubic) resize(packet int) {
	c.cwnd = c.cwnd / c.packet * packet
	if c.threshold != math.MaxInt {
		c.threshold = c.threshold / c.packet * packet
	}
	c.packet = packet
}

func (c *cubic) sample(t instant, rtt time.Duration) {
	c.least.add(t, rtt)
	if c.samples++; c.samples == 1 || rtt < c.thisRound {
		c.thisRound = rtt
	}
	if !c.slowStart() || c.samples < startSamples || c.lastRound == 0 {
		return
	}
	switch {
	case c.cautious > 0:
		if c.thisRound < c.cautiousBase {
			c.cautious = 0
		}
	case c.thisRound >= c.lastRound+min(max(c.lastRound/8, 4*time.Millisecond), 16*time.Millisecond):
		c.cautious, c.cautiousBase = 1, c.thisRound
	}
}

func (c *cubic) round(t instant, acked, lost int) {
	if lost >= burstLostLeast && float64(lost) > burstLost*float64(lost+acked) && t-c.event > c.lastRound {
		c.eventLost = lost
		c.reduce(t)
	}
	if c.samples > 0 {
		c.lastRound = c.thisRound
		c.lift = max(0, min(c.lift, c.thisRound-c.least.get()))
	}
	c.samples = 0
	if c.slowStart() && c.cautious > 0 {
		if c.cautious++; c.cautious > cautiousRounds {
			c.threshold = c.cwnd
		}
	}
}

// times returns the round trip time without a queue, as far as is known, and that of the last packets.
func (c *cubic) times() (least, now time.Duration) {
	now = c.lastRound
	if c.samples >= roundSamples || now == 0 {
		now = c.thisRound
	}
	return c.least.get() + c.lift, now
}

// queueing reports whether packets of ours, or of others, stand in a queue.
func (c *cubic) queueing() bool {
	least, now := c.times()
	return now-least > min(max(least/queueShare, leastQueueing), mostQueueing)
}

// share is what an event leaves of the window: what the path holds without its queue, within bounds. After a random loss with a short queue the link
// stays busy, and a long queue is drained.
func (c *cubic) share() float64 {
	least, now := c.times()
	if !c.queueing() {
		return cubicBeta
	}
	return min(max(float64(least)/float64(now)-drainSlack, leastShare), mostShare)
}

func (c *cubic) acked(t, sent instant, bytes, inFlight int, rtt time.Duration) {
	if sent <= c.recovery || inFlight+8*c.packet < c.cwnd && !(c.slowStart() && inFlight >= c.cwnd/2) {
		return // it was not the window that held us back
	}
	switch {
	case c.slowStart():
		if c.cautious > 0 {
			bytes /= 4
		}
		c.cwnd += bytes
	case !c.queueing() && (c.event < 0 || t-c.event > max(calmTime, calmRTTs*rtt)):
		c.cwnd += bytes >> calmShift
		c.epoch = -1
	default:
		c.grow(t, bytes, rtt)
	}
	c.cwnd = min(c.cwnd, maxWindow*c.packet)
}

// grow follows the curve, or Reno's line where that is above (RFC 9438, 4.2 to 4.4).
func (c *cubic) grow(t instant, bytes int, rtt time.Duration) {
	w := float64(c.cwnd) / float64(c.packet)
	if c.epoch < 0 {
		c.epoch, c.origin, c.k = t, max(w, c.wMax), 0
		if w < c.wMax {
			c.k = math.Cbrt((c.wMax - w) / cubicC)
		}
	}
	x := (t - c.epoch + rtt).Seconds() - c.k
	target := min(c.origin+cubicC*x*x*x, 1.5*w)
	acks := float64(bytes) / float64(c.packet)
	step := 3 * (1 - cubicBeta) / (1 + cubicBeta) * acks / w
	if target > w {
		step = max(step, (target-w)/w*acks)
	}
	c.cwnd += int(step * float64(c.packet))
}

func (c *cubic) lost(t, sent instant, rate float64) {
	if sent <= c.recovery {
		c.eventLost++
		return
	}
	if c.queueing() || rate > tooManyLost {
		c.eventLost = 1
		c.reduce(t)
	}
}

func (c *cubic) ecn(t instant) {
	if t-c.recovery > c.lastRound {
		c.eventLost = 1
		c.reduce(t)
	}
}

func (c *cubic) reduce(t instant) {
	c.prior = [2]int{c.cwnd, c.threshold}
	c.recovery, c.event, c.epoch, c.eventFalse, c.cautious = t, t, -1, 0, 0
	w := float64(c.cwnd) / float64(c.packet)
	if w < c.wMax { // fast convergence
		w *= (1 + cubicBeta) / 2
	}
	c.wMax = w
	c.cwnd = max(int(float64(c.cwnd)*c.share()), minWindow*c.packet)
	c.threshold = c.cwnd
	c.atFloor()
}

// atFloor adds to the least round trip time when some events in a row left the least window and there is still a queue: until then a path that got longer
// would hold us there for minimumWindow.
func (c *cubic) atFloor() {
	if c.cwnd > minWindow*c.packet || !c.queueing() {
		c.floored = 0
		return
	}
	if c.floored++; c.floored < floorEvents {
		return
	}
	c.floored = 0
	_, now := c.times()
	c.lift = max(0, min(now-c.least.get(), mostLift))
}

// spurious undoes an event when all its losses turn out to be none.
func (c *cubic) spurious(sent instant) {
	if sent > c.recovery || c.eventLost == 0 {
		return
	}
	if c.eventFalse++; c.eventFalse >= c.eventLost {
		c.cwnd, c.threshold = max(c.cwnd, c.prior[0]), max(c.threshold, c.prior[1])
		c.eventLost, c.epoch, c.event = 0, -1, -1
	}
}

func (c *cubic) persistent(t instant) {
	c.reduce(t)
	c.eventLost = 0
	c.cwnd = lowestWindow * c.packet
}
