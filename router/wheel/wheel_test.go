package wheel_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clove.i2p/router/wheel"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

const ms = time.Millisecond

// model is the same thing without a wheel.
type model struct {
	start, now time.Time // now: of the last Advance
	step       time.Duration
	due        map[*wheel.Timer]time.Time // rounded up, and never before the tick after now
}

func (m *model) round(t time.Time) time.Time {
	d := max(t.Sub(m.start), 0)
	if r := d % m.step; r != 0 {
		d += m.step - r
	}
	return m.start.Add(d)
}

func (m *model) floor(t time.Time) time.Time {
	d := max(t.Sub(m.start), 0)
	return m.start.Add(d - d%m.step)
}

func (m *model) set(t *wheel.Timer, deadline time.Time) {
	at := m.round(deadline)
	if next := m.floor(m.now).Add(m.step); at.Before(next) {
		at = next
	}
	m.due[t] = at
}

// advance returns what fires, in any order of those of the same time.
func (m *model) advance(now time.Time) map[*wheel.Timer]time.Time {
	fired := map[*wheel.Timer]time.Time{}
	for t, at := range m.due {
		if !at.After(now) {
			fired[t] = at
			delete(m.due, t)
		}
	}
	if now.After(m.now) {
		m.now = now
	}
	return fired
}

func (m *model) next() (first time.Time) {
	for _, at := range m.due {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// play runs a wheel and the model side by side; choose gives the steps.
func play(t *testing.T, step time.Duration, steps int, choose func(n int64) int64) {
	w := wheel.New(start, step)
	m := &model{start: start, now: start, step: step, due: map[*wheel.Timer]time.Time{}}
	timers := make([]wheel.Timer, 40)
	now := start
	// Each turn of a wheel about once: from less than a tick to days.
	span := func() time.Duration {
		return time.Duration(choose(int64(step) << (2 + choose(34))))
	}
	for i := range steps {
		x := &timers[choose(int64(len(timers)))]
		switch choose(6) {
		case 0, 1, 2:
			deadline := now.Add(span() - 2*step)
			if len(m.due) == 0 {
				m.now = now // an empty wheel is where now is
			}
			w.Set(now, x, deadline)
			m.set(x, deadline)
		case 3:
			w.Cancel(x)
			delete(m.due, x)
		case 4:
			now = now.Add(span())
			compare(t, i, w, m, now)
		case 5:
			// To the next event, as a loop does: it comes to a deadline after few turns, and never past one.
			for range 12 {
				next := w.Next()
				if next.IsZero() || next.After(m.next()) {
					break
				}
				if next.After(now) {
					now = next
				}
				before := len(m.due)
				compare(t, i, w, m, now)
				if len(m.due) < before {
					break
				}
			}
			if len(m.due) > 0 && !m.next().After(now) {
				t.Fatalf("step %d: 12 calls of Next and Advance passed over a deadline", i)
			}
		}
		_, set := m.due[x]
		if w.Len() != len(m.due) || x.Active() != set {
			t.Fatalf("step %d: %d timers, %v, not %d, %v", i, w.Len(), x.Active(), len(m.due), set)
		}
		if next := w.Next(); next.IsZero() != (len(m.due) == 0) || next.After(m.next()) {
			t.Fatalf("step %d: next %v, after %v", i, next, m.next())
		}
	}
}

func compare(t *testing.T, i int, w *wheel.Wheel, m *model, now time.Time) {
	t.Helper()
	want := m.advance(now)
	var last time.Time
	w.Advance(now, func(x *wheel.Timer) {
		at, ok := want[x]
		if !ok || x.Active() {
			t.Fatalf("step %d: a timer fires that should not: %v", i, at)
		}
		if at.Before(last) {
			t.Fatalf("step %d: %v after %v", i, at, last)
		}
		last = at
		delete(want, x)
	})
	if len(want) > 0 {
		t.Fatalf("step %d: %d timers did not fire", i, len(want))
	}
}

func TestAgainstModel(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		step := []time.Duration{ms, 10 * ms, 1, 7 * time.Microsecond}[seed%4]
		play(t, step, 500, rnd.Int64N)
	}
}

func FuzzWheel(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add([]byte{0, 0, 255, 255, 4, 5, 0, 33, 255, 254, 4, 3, 2, 1, 0, 5, 5, 5})
	f.Fuzz(func(t *testing.T, in []byte) {
		at := 0
		choose := func(n int64) int64 {
			var v uint64
			for bound := uint64(n); bound > 1 && at < len(in); bound >>= 8 {
				v = v<<8 | uint64(in[at])
				at++
			}
			return int64(v % uint64(n))
		}
		play(t, ms, len(in), choose)
	})
}

func TestNeverEarlyAndAtMostATickLate(t *testing.T) {
	var timer wheel.Timer
	for _, d := range []time.Duration{0, 1, ms, ms + 1, 63 * ms, 64 * ms, 65 * ms, 4095 * ms, 4096 * ms, time.Hour, 240 * time.Hour} {
		now := start
		w := wheel.New(now, ms)
		w.Set(now, &timer, now.Add(d))
		for {
			now = w.Next()
			fired := false
			w.Advance(now, func(*wheel.Timer) { fired = true })
			if fired {
				break
			}
		}
		if late := now.Sub(start.Add(d)); late < 0 || late >= ms && d > 0 {
			t.Errorf("%v: fired %v late", d, late)
		}
	}
}

// A timer that sets itself again at once must not keep the loop.
func TestOverdueTimerWaitsForTheNextAdvance(t *testing.T) {
	w := wheel.New(start, ms)
	var timer wheel.Timer
	now := start.Add(time.Hour)
	w.Set(start, &timer, start)
	fired := 0
	again := func(x *wheel.Timer) {
		fired++
		w.Set(now, x, start)
	}
	w.Advance(now, again)
	w.Advance(now, again)
	if fired != 1 || !timer.Active() || !w.Next().Equal(now.Add(ms)) {
		t.Fatal(fired, w.Next().Sub(now))
	}
	now = now.Add(ms)
	w.Advance(now, again)
	if fired != 2 {
		t.Fatal(fired)
	}
}

func TestFireMaySetAndCancelOthers(t *testing.T) {
	w := wheel.New(start, ms)
	timers := make([]wheel.Timer, 3)
	for i := range timers {
		timers[i].Owner = i
		w.Set(start, &timers[i], start.Add(time.Duration(i+1)*ms))
	}
	var fired []int
	fire := func(x *wheel.Timer) {
		fired = append(fired, x.Owner.(int))
		if x == &timers[0] {
			w.Cancel(&timers[1])
			w.Set(start.Add(9*ms), &timers[2], start.Add(20*ms)) // due too, but moved
		}
	}
	w.Advance(start.Add(9*ms), fire)
	if !slices.Equal(fired, []int{0}) || w.Len() != 1 {
		t.Fatal(fired, w.Len())
	}
	w.Advance(start.Add(20*ms), fire)
	if !slices.Equal(fired, []int{0, 2}) || w.Len() != 0 || !w.Next().IsZero() {
		t.Fatal(fired, w.Len())
	}
}

func TestClockThatGoesBack(t *testing.T) {
	w := wheel.New(start, ms)
	var a, b wheel.Timer
	w.Set(start, &a, start.Add(10*ms))
	w.Advance(start.Add(5*ms), func(*wheel.Timer) { t.Fatal("early") })
	w.Advance(start.Add(-time.Hour), func(*wheel.Timer) { t.Fatal("early") })
	w.Set(start.Add(-time.Hour), &b, start.Add(-time.Minute))
	if n := w.Next(); !n.Equal(start.Add(6 * ms)) {
		t.Fatal(n.Sub(start))
	}
	fired := 0
	w.Advance(start.Add(10*ms), func(*wheel.Timer) { fired++ })
	if fired != 2 {
		t.Fatal(fired)
	}
}

func TestFarFutureHasAPlace(t *testing.T) {
	w := wheel.New(start, 1)
	var timer wheel.Timer
	w.Set(start, &timer, start.Add(1<<63-1))
	w.Advance(start.Add(1<<62), func(*wheel.Timer) { t.Fatal("early") })
	if n := w.Next(); n.IsZero() || n.Before(start) {
		t.Fatal(n)
	}
	w.Cancel(&timer)
	if w.Len() != 0 || !w.Next().IsZero() {
		t.Fatal(w.Len(), w.Next())
	}
}

func TestNoAllocation(t *testing.T) {
	w := wheel.New(start, ms)
	timers := make([]wheel.Timer, 1000)
	now := start
	allocs := testing.AllocsPerRun(100, func() {
		for i := range timers {
			w.Set(now, &timers[i], now.Add(time.Duration(i*i)*ms))
		}
		now = w.Next().Add(time.Second)
		w.Advance(now, func(*wheel.Timer) {})
		w.Cancel(&timers[999])
	})
	if allocs != 0 {
		t.Fatal(allocs)
	}
}

// BenchmarkSet moves the deadline of one of 10,000 sessions, as each packet does.
func BenchmarkSet(b *testing.B) {
	w, timers := full(10000)
	b.ReportAllocs()
	now, i := start, 0
	for b.Loop() {
		i++
		now = now.Add(time.Microsecond)
		w.Set(now, &timers[i%len(timers)], now.Add(time.Duration(i%300)*ms))
	}
}

// BenchmarkLoop is a turn of the loop with 10,000 sessions whose deadlines are 1 to 1,000 ms away: ns for each that fires
// and is set again.
func BenchmarkLoop(b *testing.B) {
	w, _ := full(10000)
	rnd := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	fired := 0
	for b.Loop() {
		now := w.Next()
		w.Advance(now, func(t *wheel.Timer) {
			fired++
			w.Set(now, t, now.Add(time.Duration(rnd.Int64N(int64(time.Second)))))
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(fired), "ns/timer")
}

func full(n int) (*wheel.Wheel, []wheel.Timer) {
	w := wheel.New(start, ms)
	timers := make([]wheel.Timer, n)
	for i := range timers {
		w.Set(start, &timers[i], start.Add(time.Duration(i%1000)*ms))
	}
	return w, timers
}
