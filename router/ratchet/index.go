package ratchet

import (
	"encoding/binary"
	"math/rand/v2"
)

// An Index finds the tag set and the message number of a tag: a flat hash table of 16 bytes per tag, for all sessions
// of one identity. Tags of dead sets and trimmed tags are not found, and are dropped when the table is rebuilt.
type Index struct {
	limit int
	table []indexEntry // length a power of two
	used  int
	stale int  // known to be dead; trimmed tags are found out when sweeping
	full  bool // sweeping did not help; until the next Sweep, do not try again
	seed  uint64
	sets  []*ReceiveSet
	free  []uint32
}

type indexEntry struct {
	tag  uint64
	slot uint32
	n    uint16
	used bool
}

const indexMin = 64

// NewIndex returns an index of at most limit tags.
func NewIndex(limit int) *Index {
	return &Index{limit: limit, table: make([]indexEntry, indexMin), seed: rand.Uint64() | 1}
}

// Len is the number of tags, stale ones included.
func (x *Index) Len() int { return x.used }

// Find looks a tag up.
func (x *Index) Find(t Tag) (set *ReceiveSet, n uint16, ok bool) {
	e, ok := x.find(binary.LittleEndian.Uint64(t[:]))
	if !ok {
		return nil, 0, false
	}
	set = x.sets[x.table[e].slot]
	if n = x.table[e].n; !set.live(n) {
		return nil, 0, false
	}
	return set, n, true
}

// hash spreads tags, which peers derive and may choose within limits.
func (x *Index) hash(tag uint64) int {
	h := tag * x.seed
	return int((h ^ h>>32) & uint64(len(x.table)-1))
}

func (x *Index) find(tag uint64) (int, bool) {
	for i := x.hash(tag); x.table[i].used; i = (i + 1) & (len(x.table) - 1) {
		if x.table[i].tag == tag {
			return i, true
		}
	}
	return 0, false
}

func (x *Index) attach(r *ReceiveSet) {
	if n := len(x.free); n > 0 {
		r.slot = x.free[n-1]
		x.free = x.free[:n-1]
		x.sets[r.slot] = r
		return
	}
	r.slot = uint32(len(x.sets))
	x.sets = append(x.sets, r)
}

func (x *Index) add(r *ReceiveSet, t Tag, n uint16) bool {
	if x.used >= x.limit {
		if !x.full {
			x.rebuild()
		}
		if x.full = x.used >= x.limit; x.full {
			return false
		}
	}
	if x.used >= len(x.table)/4*3 {
		x.rebuild()
	}
	tag := binary.LittleEndian.Uint64(t[:])
	if _, ok := x.find(tag); ok {
		return true // a collision of 64 bits: that one message is lost
	}
	x.put(indexEntry{tag, r.slot, n, true})
	r.pending++
	return true
}

func (x *Index) put(e indexEntry) {
	i := x.hash(e.tag)
	for x.table[i].used {
		i = (i + 1) & (len(x.table) - 1)
	}
	x.table[i] = e
	x.used++
}

// remove takes a tag out; entries behind it move up, so that no search stops early.
func (x *Index) remove(t Tag) {
	i, ok := x.find(binary.LittleEndian.Uint64(t[:]))
	if !ok {
		return
	}
	x.sets[x.table[i].slot].pending--
	x.used--
	mask := len(x.table) - 1
	for j := (i + 1) & mask; x.table[j].used; j = (j + 1) & mask {
		if home := x.hash(x.table[j].tag); (j-home)&mask >= (j-i)&mask {
			x.table[i] = x.table[j]
			i = j
		}
	}
	x.table[i] = indexEntry{}
}

// crowded: windows must be short so that everybody gets one.
func (x *Index) crowded() bool { return x.used > x.limit/2 }

// Sweep drops stale tags if they are worth it. Call it now and then.
func (x *Index) Sweep() {
	x.full = false
	if x.stale > x.used/4 || x.used >= x.limit {
		x.rebuild()
	}
}

// rebuild drops stale tags and gives the table a fitting size.
func (x *Index) rebuild() {
	old, live := x.table, 0
	for i := range old {
		if e := &old[i]; e.used {
			if r := x.sets[e.slot]; r.live(e.n) {
				live++
			} else {
				r.pending--
				e.used = false
			}
		}
	}
	size := indexMin
	for live >= size/2 {
		size *= 2
	}
	x.table, x.used, x.stale = make([]indexEntry, size), 0, 0
	for _, e := range old {
		if e.used {
			x.put(e)
		}
	}
	for slot, r := range x.sets {
		if r != nil && r.dead {
			x.sets[slot] = nil
			x.free = append(x.free, uint32(slot))
		}
	}
}
