package peer

import (
	"math"
	"time"
)

// Profile is a snapshot of what is known of one router.
type Profile struct {
	LastSeen                  time.Time // zero: never
	BackOff                   time.Time // not to be chosen before; zero: no pause
	DialFailures              int       // in a row
	BuildFailures             int       // in a row: refusals and silence
	Agreed, Refused, TimedOut float64   // counts that halve every halfLife
	TestsPassed, TestsLost    float64
}

type profile struct {
	used, seen  time.Time
	dial, build pause

	decayed                   time.Time // the counts are as of then
	agreed, refused, timedOut float64
	testsPassed, testsLost    float64
}

func (p *profile) pausing(now time.Time) bool {
	return now.Before(p.dial.until) || now.Before(p.build.until)
}

func (p *profile) decay(now time.Time) {
	d := now.Sub(p.decayed)
	if d < decayStep {
		return
	}
	f := math.Exp2(-float64(d) / float64(halfLife))
	p.agreed *= f
	p.refused *= f
	p.timedOut *= f
	p.testsPassed *= f
	p.testsLost *= f
	p.decayed = now
}

// success estimates the chance that the router does its part in the next tunnel, between 0 and 1. A router without
// history gets 0.5, so that new ones are tried; the estimate moves with few results because they halve soon.
func (p *profile) success() float64 {
	if p == nil {
		return 0.5
	}
	build := (p.agreed + 1) / (p.agreed + p.refused + p.timedOut + 2)
	test := (p.testsPassed + 2) / (p.testsPassed + p.testsLost + 2)
	return build * test
}

func (p *profile) snapshot() Profile {
	s := Profile{
		LastSeen: p.seen, BackOff: p.dial.until, DialFailures: p.dial.failures, BuildFailures: p.build.failures,
		Agreed: p.agreed, Refused: p.refused, TimedOut: p.timedOut,
		TestsPassed: p.testsPassed, TestsLost: p.testsLost,
	}
	if p.build.until.After(s.BackOff) {
		s.BackOff = p.build.until
	}
	return s
}

// A pause grows with failures in a row.
type pause struct {
	failures int
	until    time.Time
}

type pauseRange struct{ first, most time.Duration }

// failed counts a failure; from the one numbered free on there is a pause, each twice as long as the one before.
func (p *pause) failed(now time.Time, r pauseRange, free int) {
	p.failures++
	n := p.failures - free
	if n < 0 {
		return
	}
	d := r.most
	if n < 16 {
		d = min(r.most, r.first<<n)
	}
	p.until = now.Add(d)
}
