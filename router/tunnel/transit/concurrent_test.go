package transit_test

import (
	"sync"
	"testing"
	"time"
)

// TestReadersShareTunnels: readers whose batches hold the same tunnels in different orders neither wait for each other
// for ever nor lose a message.
func TestReadersShareTunnels(t *testing.T) {
	const readers, rounds, tunnels, size = 4, 200, 6, 15
	table, s := participants(t, tunnels)
	before := len(s.got)
	var running sync.WaitGroup
	for r := range readers {
		running.Go(func() {
			for range rounds {
				batch := flightBatch(size)
				refill(batch, tunnels, time.Now())
				for i := range batch { // each reader has an order of its own
					batch[i].Bytes()[12] = byte(1 + (i*(r+1)+r)%tunnels)
				}
				if rest := table.DataBatch(creator, batch); len(rest) > 0 {
					t.Errorf("%d left", len(rest))
				}
			}
		})
	}
	for range 100 { // somebody looks on
		table.Tunnels()
		table.Stats()
	}
	running.Wait()
	if got := len(s.got) - before; got != readers*rounds*size {
		t.Errorf("%d messages of %d, %v", got, readers*rounds*size, table.Stats().Dropped)
	}
	for _, b := range s.got {
		b.Release()
	}
}
