package visitors

import "time"

// Rate is how often something may happen; 0 is no limit.
type Rate struct {
	PerMinute, PerHour, PerDay int
}

// window counts events over a sliding period with two numbers: the last period counts by the part of it that the window still
// covers.
type window struct {
	start   time.Time
	last    int
	current int
}

// used is the number of events in the period that ends now.
func (w *window) used(now time.Time, period time.Duration) int {
	switch passed := now.Sub(w.start); {
	case passed >= 2*period:
		*w = window{start: now}
	case passed >= period:
		*w = window{start: w.start.Add(period), last: w.current}
	}
	left := period - now.Sub(w.start)
	return w.current + int(int64(w.last)*int64(left/time.Millisecond)/int64(period/time.Millisecond))
}

// wait is how long it takes until fewer than limit events are in the window, at most.
func (w *window) wait(now time.Time, period time.Duration) time.Duration {
	return max(w.start.Add(period).Sub(now), time.Second)
}

// meter counts against a Rate.
type meter struct{ minute, hour, day window }

// take counts one event, unless a limit is reached: then it says after how long to come again.
func (m *meter) take(now time.Time, r Rate) (wait time.Duration, ok bool) {
	each := [...]struct {
		w      *window
		limit  int
		period time.Duration
	}{{&m.minute, r.PerMinute, time.Minute}, {&m.hour, r.PerHour, time.Hour}, {&m.day, r.PerDay, 24 * time.Hour}}
	for _, e := range each {
		if used := e.w.used(now, e.period); e.limit > 0 && used >= e.limit {
			return e.w.wait(now, e.period), false
		}
	}
	for _, e := range each {
		e.w.current++
	}
	return 0, true
}
