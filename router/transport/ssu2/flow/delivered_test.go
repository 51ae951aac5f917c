package flow

import "testing"

// longestRun is how many slots are looked at for the worst id.
func (s *idSet) longestRun() (most int) {
	run := 0
	for range 2 {
		for _, id := range s.slots {
			if run++; id == 0 {
				run = 0
			}
			most = max(most, run)
		}
	}
	return most
}

// The ids of messages are the peer's choice. These fall into one slot of 16,384 if nothing is added to the id before it is hashed.
func TestChosenMessageIDsDoNotSlowTheirSet(t *testing.T) {
	var ids []uint32
	for id := uint32(1); len(ids) < maxDelivered-1; id++ {
		if id*0x9E3779B1>>8&0x3fff == 7 {
			ids = append(ids, id)
		}
	}
	var unkeyed []uint32
	for id := uint32(1); len(unkeyed) < 500; id++ {
		if mix(uint64(id))&0x3ff == 7 {
			unkeyed = append(unkeyed, id)
		}
	}
	for name, chosen := range map[string][]uint32{"multiplied": ids, "mixed": unkeyed} {
		f := New(Config{Seed: 0x1234567})
		for _, id := range chosen {
			f.seen.add(0, id)
		}
		for _, id := range chosen {
			if !f.seen.seen(id) {
				t.Fatalf("%s: %d is missing", name, id)
			}
		}
		if run := f.seen.young.longestRun(); run > 100 {
			t.Errorf("%s: %d of %d in a row", name, run, f.seen.young.n)
		}
	}
}
