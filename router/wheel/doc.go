// Package wheel is a hierarchical timing wheel: the deadlines of thousands of sessions for one loop.
//
// Layer 0. Setting, moving and cancelling a timer cost the same however many there are, and allocate nothing: a Timer
// is a field of what it is for. The wheel starts no goroutine and reads no clock; it is for one goroutine, or for
// callers that hold a lock.
//
// The loop that owns it:
//
//	for {
//		timer.Reset(time.Until(w.Next())) // if Next is not zero
//		select { ... }
//		w.Advance(now, func(t *wheel.Timer) { t.Owner.(*session).expired(now) })
//	}
//
// Time is counted in ticks from New, and deadlines are rounded up, so that a timer never fires early and at most one
// tick late. A level has 64 slots; a slot of level n covers 64^n ticks. A timer stands at the level of the highest digit
// (in base 64) in which its tick differs from the current one, and moves down when time reaches the start of its slot.
// With all 11 levels a tick of 64 bits has a place: there is no horizon.
package wheel
