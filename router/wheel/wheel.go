package wheel

import (
	"math/bits"
	"time"
)

const (
	slotBits = 6
	slots    = 1 << slotBits
	levels   = (64 + slotBits - 1) / slotBits
)

// A Timer is one deadline; make it a field of what it belongs to. The zero value, with an Owner, is ready. It must not
// be copied while it is set, and belongs to one wheel.
type Timer struct {
	// Owner is for the function that Advance calls.
	Owner any

	tick       uint64
	list       *list
	prev, next *Timer
}

// Active reports whether the timer is set and has not fired.
func (t *Timer) Active() bool { return t.list != nil }

// A Wheel holds timers.
type Wheel struct {
	start time.Time
	step  time.Duration
	now   uint64 // all set timers have a later tick, but those in due
	count int
	level [levels]level
	due   list
}

type level struct {
	used uint64 // bit i: slot i is not empty
	slot [slots]list
}

// New returns a wheel without timers. step is the length of a tick, and must be positive.
func New(now time.Time, step time.Duration) *Wheel {
	if step <= 0 {
		panic("wheel: tick without length")
	}
	w := &Wheel{start: now, step: step}
	for l := range w.level {
		for i := range w.level[l].slot {
			w.level[l].slot[i].place = uint16(l*slots + i)
		}
	}
	w.due.place = nowhere
	return w
}

// Len is the number of timers that are set.
func (w *Wheel) Len() int { return w.count }

// Set sets or moves a timer. A deadline that is over fires with the next tick: never within Set, and never in an
// Advance that is under way, so that a timer that sets itself again at once does not keep the loop.
func (w *Wheel) Set(now time.Time, t *Timer, deadline time.Time) {
	if w.count == 0 {
		// Nothing is between: the new timer need not pass through the levels of a time that is over.
		w.now = max(w.now, w.floor(now))
	}
	tick := max(w.ceil(deadline), w.now+1)
	if t.list != nil {
		if t.tick == tick && t.list != &w.due {
			return
		}
		w.remove(t)
	}
	t.tick = tick
	w.count++
	w.place(t)
}

// Cancel takes a timer back; it does nothing to one that is not set. A timer that is cancelled during Advance, by the
// function of another, does not fire.
func (w *Wheel) Cancel(t *Timer) {
	if t.list != nil {
		w.remove(t)
	}
}

// Next is when Advance should be called: not after the first deadline (rounded up to a tick), and before it only to
// move timers down, at most once a level. The zero time says that no timer is set.
func (w *Wheel) Next() time.Time {
	if w.due.head != nil {
		return w.time(w.now)
	}
	_, _, tick, ok := w.first()
	if !ok {
		return time.Time{}
	}
	return w.time(tick)
}

// Advance calls fire for each timer whose deadline has come, in the order of their ticks; the order within a tick is
// not specified. A timer is no longer set when fire gets it. fire may set and cancel any timer, itself included, but not
// call Advance. A now before that of an earlier call fires nothing.
func (w *Wheel) Advance(now time.Time, fire func(*Timer)) {
	target := w.floor(now)
	for target > w.now {
		l, i, tick, ok := w.first()
		if !ok || tick > target {
			w.now = target
			break
		}
		w.now = tick
		w.down(l, i)
	}
	for t := w.due.head; t != nil; t = w.due.head {
		w.remove(t)
		fire(t)
	}
}

// down empties a slot whose start is now: its timers are due or move to a lower level.
func (w *Wheel) down(l, i int) {
	s := &w.level[l].slot[i]
	for t := s.head; t != nil; t = s.head {
		s.remove(t)
		if t.tick == w.now {
			w.due.append(t)
		} else {
			w.place(t)
		}
	}
	w.level[l].used &^= 1 << i
}

// place puts a timer with a tick after now where it belongs.
func (w *Wheel) place(t *Timer) {
	l := (bits.Len64(t.tick^w.now) - 1) / slotBits
	i := t.tick >> (l * slotBits) % slots
	w.level[l].used |= 1 << i
	w.level[l].slot[i].append(t)
}

func (w *Wheel) remove(t *Timer) {
	s := t.list
	s.remove(t)
	w.count--
	if s.head == nil && s.place != nowhere {
		w.level[s.place/slots].used &^= 1 << (s.place % slots)
	}
}

// first finds the slot that comes first, and its start. All of a level come before all of the next, because they share
// with now what is above their level.
func (w *Wheel) first() (l, i int, tick uint64, ok bool) {
	for l := range w.level {
		if used := w.level[l].used; used != 0 {
			i := bits.TrailingZeros64(used)
			above := w.now >> (l * slotBits) >> slotBits << slotBits
			return l, i, (above | uint64(i)) << (l * slotBits), true
		}
	}
	return 0, 0, 0, false
}

// floor and ceil are the tick of a time; before the start it is 0.
func (w *Wheel) floor(t time.Time) uint64 { return uint64(max(t.Sub(w.start), 0) / w.step) }

func (w *Wheel) ceil(t time.Time) uint64 {
	d := max(t.Sub(w.start), 0)
	n := uint64(d / w.step)
	if d%w.step != 0 {
		n++
	}
	return n
}

func (w *Wheel) time(tick uint64) time.Time {
	const most = 1<<63 - 1
	if tick > uint64(most/w.step) {
		return w.start.Add(most)
	}
	return w.start.Add(time.Duration(tick) * w.step)
}
