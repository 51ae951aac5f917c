package flow

import "sync/atomic"

// A Budget bounds memory that all sessions share. A nil Budget has no bound. It is safe for concurrent use.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewSendBudget bounds the send queues of all sessions to limit bytes, 0: 128 MiB.
func NewSendBudget(limit int64) *Budget { return newBudget(limit, defaultBudget) }

// NewAssemblyBudget bounds the incomplete messages of all sessions to limit bytes, 0: 64 MiB.
func NewAssemblyBudget(limit int64) *Budget { return newBudget(limit, defaultAssemblyBudget) }

func newBudget(limit, otherwise int64) *Budget {
	if limit <= 0 {
		limit = otherwise
	}
	return &Budget{limit: limit}
}

// Used is the number of bytes in use.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// room reports whether n more bytes fit.
func (b *Budget) room(n int) bool { return b == nil || b.used.Load()+int64(n) <= b.limit }

// charge books n bytes, which may be negative.
func (b *Budget) charge(n int) {
	if b != nil {
		b.used.Add(int64(n))
	}
}
