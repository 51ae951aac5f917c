package bandwidth

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// burst is how long a bucket saves up for. Longer lets a queue build at the other end of a slow link, shorter costs
// throughput to timers.
const burst = 200 * time.Millisecond

// minBurst is the least that a bucket holds, in bytes: one of the largest frames, so that a slow link takes it too.
const minBurst = 64 << 10

// A bucket holds tokens for bytes. Takers that can wait may overdraw it and then sleep the debt off, in order of
// arrival and whatever their size.
type bucket struct {
	rate  Rate // 0: unlimited
	total atomic.Uint64

	mu     sync.Mutex
	tokens float64
	at     time.Time
}

func newBucket(r Rate, now time.Time) *bucket {
	b := &bucket{rate: r, at: now}
	b.tokens = b.size()
	return b
}

func (b *bucket) size() float64 { return max(float64(b.rate)*burst.Seconds(), minBurst) }

// refill is called with the lock held.
func (b *bucket) refill(now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.tokens = min(b.tokens+d.Seconds()*float64(b.rate), b.size())
		b.at = now
	}
}

// allow takes n tokens if they are there.
func (b *bucket) allow(n int, now time.Time) bool {
	if b.rate > 0 {
		b.mu.Lock()
		b.refill(now)
		ok := b.tokens >= float64(n)
		if ok {
			b.tokens -= float64(n)
		}
		b.mu.Unlock()
		if !ok {
			return false
		}
	}
	b.total.Add(uint64(n))
	return true
}

// wait takes n tokens and sleeps until they have come. The bytes count as gone even if ctx ends first.
func (b *bucket) wait(ctx context.Context, n int) error {
	b.total.Add(uint64(n))
	if b.rate <= 0 {
		return nil
	}
	b.mu.Lock()
	b.refill(time.Now())
	b.tokens -= float64(n)
	debt := -b.tokens
	b.mu.Unlock()
	if debt <= 0 {
		return nil
	}
	t := time.NewTimer(time.Duration(debt / float64(b.rate) * float64(time.Second)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
