package streaming

import (
	"math"
	"time"
)

// Constants of CUBIC (RFC 9438).
const (
	cubicC    = 0.4
	cubicBeta = 0.7
)

// cubic is CUBIC in packets with the slow start of HyStart++ and one difference: the drops of a tunnel say little
// about its capacity. Routers drop at random long before their queues fill, and a tunnel drops all while it is
// replaced. So a loss shrinks the window only if the round trip has grown too (a queue), or if more is lost than
// losses.tolerable says (a limit that drops instead of queueing).
type cubic struct {
	limit     float64
	window    float64
	threshold float64 // of slow start
	start     hystart
	losses    lossRate

	// The curve: the window before the last reduction, when that was, and how long until it is reached again.
	before  float64
	reduced time.Duration
	k       float64
	begun   bool    // since the last reduction, an acknowledgement was seen at reduced
	reno    float64 // what Reno would have by now

	newest time.Duration // sending time up to which losses belong to the last reduction
	undo   *saved
	undone saved
}

type saved struct{ window, threshold, before, k float64 }

// NewCubic returns the default Controller.
func NewCubic(limit int) Controller {
	return &cubic{limit: float64(limit), window: float64(min(initialWindow, limit)), threshold: math.Inf(1)}
}

func (c *cubic) Window() int { return max(1, int(c.window)) }

// PacingGain: the usual factors, so that the pace does not hold the window back while it grows.
func (c *cubic) PacingGain() float64 {
	if c.window < c.threshold {
		return 2
	}
	return 1.25
}

func (c *cubic) Seed(window int) { c.window = min(max(float64(window), 1), c.limit) }

func (c *cubic) Acked(a Acked) {
	c.losses.acked(a.Packets)
	n := float64(a.Packets)
	if c.window < c.threshold {
		grow, leave := c.start.acked(a)
		if leave {
			c.threshold = c.window
			c.before, c.k, c.begun = c.window, 0, false
		} else if 2*float64(a.InFlight) >= c.window {
			c.window = min(c.window+n*grow, c.limit)
		}
		return
	}
	c.start.observe(a)
	if float64(a.InFlight) < 0.9*c.window-2 {
		c.begun = false // what is not used says nothing about a larger window; the curve waits
		return
	}
	c.avoid(a, n)
}

// avoid is congestion avoidance.
func (c *cubic) avoid(a Acked, n float64) {
	if !c.begun {
		c.begun = true
		c.reduced = a.Now
		c.reno = c.window
		if c.before < c.window {
			c.before = c.window
		}
		c.k = math.Cbrt((c.before - c.window) / cubicC)
	}
	t := (a.Now - c.reduced + a.Smoothed).Seconds()
	target := cubicC*math.Pow(t-c.k, 3) + c.before
	c.reno += n * 3 * (1 - cubicBeta) / (1 + cubicBeta) / c.window
	target = max(min(target, 1.5*c.window), c.reno, c.window)
	c.window = min(c.window+n*(target-c.window)/c.window, c.limit)
}

func (c *cubic) Lost(l Lost) {
	c.losses.lost(l.Packets)
	if l.SentAt <= c.newest {
		return // sent before the last reduction had any effect
	}
	if !c.losses.tooMany() && !c.start.queueing(l.Min) {
		return
	}
	c.newest = l.Now
	c.reduce(max(cubicBeta*c.window, 2))
	c.window = c.threshold
}

func (c *cubic) reduce(to float64) {
	c.undone = saved{c.window, c.threshold, c.before, c.k}
	c.undo = &c.undone
	if c.window < c.before {
		c.before = c.window * (1 + cubicBeta) / 2 // leave room to others that grow
	} else {
		c.before = c.window
	}
	c.threshold = to
	c.begun = false
}

// TimedOut begins again from two packets, up to the window as it would be after a loss. A path that died says
// nothing about the next one, so repeated timeouts do not lower that.
func (c *cubic) TimedOut(now time.Duration, first bool) {
	if first {
		c.reduce(max(cubicBeta*c.window, 2))
		c.start = hystart{}
	}
	c.newest = now
	c.window = min(2, c.limit)
}

func (c *cubic) Spurious() {
	if c.undo == nil {
		return
	}
	c.window = max(c.window, min(c.undo.window, c.limit))
	c.threshold, c.before, c.k = c.undo.threshold, c.undo.before, c.undo.k
	c.begun = false
	c.undo = nil
}
