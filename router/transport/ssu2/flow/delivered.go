package flow

// delivered is the set of the message ids that were handed on a short time ago, as a message is sent again if its ack was lost ("I2NP Message
// Duplication"). Two generations: the older is dropped when the younger is full or deliveredLife old, so that an id is known for one to two lives, or
// for the last maxDelivered messages at least.
type delivered struct {
	young, old idSet
	turned     instant
}

// newDelivered makes an empty set. The key is secret: who knows where an id goes makes ids that all go there, each slower to look up than
// the one before.
func newDelivered(key uint64) delivered {
	return delivered{young: idSet{key: key}, old: idSet{key: key}}
}

// seen reports whether id is in the set.
func (d *delivered) seen(id uint32) bool { return d.young.has(id) || d.old.has(id) }

func (d *delivered) add(t instant, id uint32) {
	if d.young.n == 0 && d.old.n == 0 {
		d.turned = t
	}
	if d.young.n >= maxDelivered || t-d.turned >= deliveredLife {
		d.turn(t)
	}
	d.young.add(id)
}

func (d *delivered) turn(t instant) {
	d.young, d.old = d.old, d.young
	d.young.clear()
	d.turned = t
}

// due is when the next turn is, or never.
func (d *delivered) due() instant {
	if d.young.n == 0 && d.old.n == 0 {
		return never
	}
	return d.turned + deliveredLife
}

// An idSet is an open hash table that grows to half of its size.
type idSet struct {
	key   uint64
	slots []uint32 // 0: free
	n     int
	zero  bool // 0 is in
}

func (s *idSet) has(id uint32) bool {
	if id == 0 {
		return s.zero
	}
	if len(s.slots) == 0 {
		return false
	}
	return s.slots[s.find(id)] == id
}

// find returns the slot of id, or the free one for it.
func (s *idSet) find(id uint32) uint32 {
	mask := uint32(len(s.slots) - 1)
	i := uint32(mix(s.key+uint64(id))) & mask
	for s.slots[i] != 0 && s.slots[i] != id {
		i = (i + 1) & mask
	}
	return i
}

func (s *idSet) add(id uint32) {
	if s.has(id) {
		return
	}
	s.n++
	if id == 0 {
		s.zero = true
		return
	}
	if 2*s.n > len(s.slots) {
		old := s.slots
		s.slots = make([]uint32, max(64, 2*len(old)))
		for _, id := range old {
			if id != 0 {
				s.slots[s.find(id)] = id
			}
		}
	}
	s.slots[s.find(id)] = id
}

// clear empties the set. One that was mostly empty gives its memory back.
func (s *idSet) clear() {
	if s.n == 0 || 8*s.n < len(s.slots) {
		s.slots = nil
	}
	clear(s.slots)
	s.n, s.zero = 0, false
}
