package pool

import (
	"testing"
	"time"
)

func TestLeasesOfOneInstantEndApart(t *testing.T) {
	p := newPool(t, NewTable(), new(sender), 0, nil)
	now := time.Now()
	ends := make(map[time.Time]bool)
	for range 16 {
		if err := p.build(Inbound, now); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range p.Leases() {
		ends[l.End.Truncate(time.Second)] = true
		if left := l.End.Sub(now); left > Lifetime-leaseMargin || left < Lifetime-replaceLatest {
			t.Errorf("a lease ends %v after the request", left)
		}
	}
	if len(ends) < 4 {
		t.Errorf("16 leases end in %d different seconds", len(ends))
	}
}
