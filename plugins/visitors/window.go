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

// wait is how long it takes, at most, until what happened now counts less.
func (w *window) wait(now time.Time, period time.Duration) time.Duration {
	return max(w.start.Add(period).Sub(now), time.Second)
}

// meter counts against a Rate.
type meter struct{ minute, hour, day window }

// full tells whether a limit is reached, and then after how long to come again.
func (m *meter) full(now time.Time, r Rate) (wait time.Duration, full bool) {
	for _, e := range [...]struct {
		w      *window
		limit  int
		period time.Duration
	}{{&m.minute, r.PerMinute, time.Minute}, {&m.hour, r.PerHour, time.Hour}, {&m.day, r.PerDay, 24 * time.Hour}} {
		if used := e.w.used(now, e.period); e.limit > 0 && used >= e.limit {
			return e.w.wait(now, e.period), true
		}
	}
	return 0, false
}

// count counts one event, right after full.
func (m *meter) count() {
	m.minute.current++
	m.hour.current++
	m.day.current++
}
