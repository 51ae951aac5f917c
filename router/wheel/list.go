package wheel

// nowhere is the place of a list that is not a slot.
const nowhere = 1<<16 - 1

// A list of timers, linked through them: append at the end, remove anywhere.
type list struct {
	head, tail *Timer
	place      uint16 // level * slots + slot
}

func (s *list) append(t *Timer) {
	t.list, t.prev, t.next = s, s.tail, nil
	if s.tail != nil {
		s.tail.next = t
	} else {
		s.head = t
	}
	s.tail = t
}

func (s *list) remove(t *Timer) {
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		s.head = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	} else {
		s.tail = t.prev
	}
	t.list, t.prev, t.next = nil, nil, nil
}
