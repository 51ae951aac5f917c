package tunnel

import "sync/atomic"

// A Budget bounds the memory of unfinished messages in many endpoints together. It is safe for concurrent use.
type Budget struct {
	most int64
	used atomic.Int64
}

// NewBudget is for so many bytes.
func NewBudget(bytes int) *Budget { return &Budget{most: int64(bytes)} }

// Used is what the endpoints hold, in bytes.
func (b *Budget) Used() int { return int(b.used.Load()) }

// add books n bytes, which may be less than 0. Without a budget it does nothing.
func (b *Budget) add(n int) {
	if b != nil {
		b.used.Add(int64(n))
	}
}

func (b *Budget) exceeded() bool { return b != nil && b.used.Load() > b.most }
