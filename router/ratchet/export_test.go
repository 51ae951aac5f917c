package ratchet

import "time"

// SendTagSet is the id of the tag set that s sends with.
func SendTagSet(s *Session) int { return int(s.send.id) }

// Turn makes s prepare its next sending tag set now.
func Turn(s *Session, now time.Time) {
	after := s.id.ratchetAfter
	s.id.ratchetAfter = 0
	s.offerNextKey(now)
	s.id.ratchetAfter = after
}

// AttachSet, CloseSet, AddTag and RemoveTag are the inner side of an Index.
func AttachSet(x *Index) *ReceiveSet {
	r := &ReceiveSet{index: x, highest: -1}
	x.attach(r)
	return r
}

func CloseSet(r *ReceiveSet)                               { r.close() }
func AddTag(x *Index, r *ReceiveSet, t Tag, n uint16) bool { return x.add(r, t, n) }
func RemoveTag(x *Index, t Tag)                            { x.remove(t) }
