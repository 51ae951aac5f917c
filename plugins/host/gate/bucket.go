package gate

import (
	"context"
	"sync"
	"time"
)

// bucket of tokens: rate per second, burst at once.
type bucket struct {
	rate, burst float64

	mu     sync.Mutex
	tokens float64 // below zero: promised to those that wait
	last   time.Time
}

func newBucket(rate, burst int) *bucket {
	return &bucket{rate: float64(rate), burst: float64(burst), tokens: float64(burst), last: time.Now()}
}

func (b *bucket) refill() {
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+now.Sub(b.last).Seconds()*b.rate)
	b.last = now
}

// take takes a token if there is one.
func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// wait takes a token and waits until it is there.
func (b *bucket) wait(ctx context.Context) error {
	b.mu.Lock()
	b.refill()
	b.tokens--
	short := -b.tokens
	b.mu.Unlock()
	if short <= 0 {
		return nil
	}
	timer := time.NewTimer(time.Duration(short / b.rate * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		b.mu.Lock()
		b.tokens++
		b.mu.Unlock()
		return ctx.Err()
	}
}
