package flow

import "sync/atomic"

// A Budget bounds the memory of the send queues of all sessions together. It is safe for concurrent use.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a budget of limit bytes, 0: the default of 128 MiB.
func NewBudget(limit int64) *Budget {
	return &Budget{limit: limit}
}

// Used is the number of bytes in use.
func (b *Budget) Used() int64 { return b.used.Load() }
