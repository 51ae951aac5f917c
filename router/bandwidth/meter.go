package bandwidth

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// meterMemory is how far back an average looks: long enough that one burst is no congestion.
const meterMemory = 15 * time.Second

// A meter averages a counter. It is brought up to date when it is read.
type meter struct {
	counter *atomic.Uint64

	mu   sync.Mutex
	seen uint64
	at   time.Time
	rate float64 // bytes per second
}

func (m *meter) read(now time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	// Readers come in bursts; a second is the least that says something about a rate.
	d := now.Sub(m.at)
	if d < time.Second {
		return m.rate
	}
	n := m.counter.Load()
	old := math.Exp(-d.Seconds() / meterMemory.Seconds())
	m.rate = m.rate*old + float64(n-m.seen)/d.Seconds()*(1-old)
	m.seen, m.at = n, now
	return m.rate
}
