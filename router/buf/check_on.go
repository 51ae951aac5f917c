//go:build bufcheck

package buf

import "sync/atomic"

var inUse atomic.Int64

func acquired() { inUse.Add(1) }

// released poisons the bytes, so that a use after Release shows itself.
func released(b *Buf) {
	inUse.Add(-1)
	for i := range b.store {
		b.store[i] = 0xdb
	}
}

// InUse is the number of buffers that were taken and not released.
func InUse() int64 { return inUse.Load() }
