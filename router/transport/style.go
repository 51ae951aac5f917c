package transport

import (
	"cmp"
	"slices"
	"sync/atomic"
)

// A style is one transport and how it does.
type style struct {
	transport Transport
	name      string
	order     int // see styleOrder
	limit     int // of sessions

	inbound, outbound int // sessions in the table, under the lock of the Mux

	failing atomic.Uint32 // dials that failed since one succeeded, whoever the peer was

	dials, failures, fallbacks, refused, evicted atomic.Uint64
}

// crowding is what a bid costs more as the transport comes near its limit: nothing below three quarters, and all of costCrowded
// at the last place, or where another session has to go.
func (s *style) crowding() int {
	n, from := s.inbound+s.outbound, s.limit-s.limit/4
	if n < from {
		return 0
	}
	return min((n-from+1)*costCrowded/max(s.limit-from, 1), costCrowded)
}

// relent halves the failures that count, so that a transport that nobody needs is tried again.
func (s *style) relent() { s.failing.Store(s.failing.Load() / 2) }

// trouble is what a bid costs more when dials of this transport keep failing, whoever the peer: UDP may be blocked, or the
// proxy down.
func (s *style) trouble() int { return min(int(s.failing.Load())/2, maxCostTrouble) }

// styleOrder gives each style its place in the order of rank, which is that of their names: the same on both sides.
func styleOrder(styles []*style) {
	sorted := slices.Clone(styles)
	slices.SortStableFunc(sorted, func(a, b *style) int { return cmp.Compare(a.name, b.name) })
	for i, s := range sorted {
		s.order = i
	}
}
