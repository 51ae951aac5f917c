package ratchet

import "time"

// A Tag opens the header of a message; on the wire it looks random.
type Tag [TagLen]byte

// A sendSet is an outbound tag set: each message takes the next tag and key.
type sendSet struct {
	chain
	id uint16
}

func (s *sendSet) exhausted() bool { return s.tags >= maxMessages }

// next returns tag, key and message number of the next message. The set may not be exhausted.
func (s *sendSet) next(key *[32]byte) (t Tag, n uint16) {
	n = uint16(s.tags)
	s.nextKey(key)
	return s.nextTag(), n
}

type skippedKey struct {
	n   uint16
	key [32]byte
}

// A ReceiveSet is an inbound tag set: the tags from the oldest that may still come (trim) to a window beyond the
// newest that came. The tags are in the Index; the keys of tags that were overtaken are kept here, those ahead are
// derived when needed.
//
//	0 ........ trim ..... highest .......... tags
//	 forgotten | skipped? |   expected window  |
type ReceiveSet struct {
	chain
	session *Session
	index   *Index
	slot    uint32
	id      uint16
	reply   bool // tags of New Session Replies
	dead    bool

	first   int // the window before any message came
	highest int // newest message number received, -1 before the first
	trim    int
	pending int // tags of ours in the index, stale ones included
	skipped []skippedKey
	expires time.Time // zero: with the session
}

// Session is the session that the set belongs to.
func (r *ReceiveSet) Session() *Session { return r.session }

// Reply reports whether the set's messages are New Session Replies, which cost two DH to open.
func (r *ReceiveSet) Reply() bool { return r.reply }

func newReceiveSet(s *Session, x *Index, c chain, id uint16, reply bool) *ReceiveSet {
	r := &ReceiveSet{chain: c, session: s, index: x, id: id, reply: reply, first: windowMin, highest: -1}
	if reply {
		r.first = windowReply
	}
	x.attach(r)
	r.extend()
	return r
}

// newSuccessor returns the set behind old. Its window is that of old, since the sender's does not begin anew.
func newSuccessor(old *ReceiveSet, c chain, id uint16) *ReceiveSet {
	r := &ReceiveSet{chain: c, session: old.session, index: old.index, id: id, first: old.window(), highest: -1}
	r.index.attach(r)
	r.extend()
	return r
}

// window grows as the sender's may: one more for each message that came.
func (r *ReceiveSet) window() int {
	if r.reply {
		return windowReply
	}
	most := windowMax
	if r.index.crowded() {
		most = windowCrowded
	}
	return min(r.first+r.highest+1, most)
}

func (r *ReceiveSet) extend() {
	limit := min(r.highest+1+r.window(), maxMessages)
	for r.tags < limit {
		n := r.tags
		if !r.index.add(r, r.nextTag(), uint16(n)) {
			return // the index is full: the window stays short
		}
	}
}

// key looks up or derives the key of message n, whose tag is in the index. It stays known until received(n).
func (r *ReceiveSet) key(n uint16, key *[32]byte) bool {
	if int(n) < r.keys {
		for i := range r.skipped {
			if r.skipped[i].n == n {
				*key = r.skipped[i].key
				return true
			}
		}
		return false
	}
	if int(n) >= r.tags {
		return false
	}
	for r.keys <= int(n) {
		at := uint16(r.keys)
		r.nextKey(key)
		r.skipped = append(r.skipped, skippedKey{at, *key})
	}
	return true
}

// received takes note that message n came and was authentic.
func (r *ReceiveSet) received(n uint16) {
	for i := range r.skipped {
		if r.skipped[i].n == n {
			r.forget(i)
			break
		}
	}
	if int(n) <= r.highest {
		return
	}
	r.highest = int(n)
	if trim := r.highest - r.window(); trim > r.trim {
		r.trim = trim
		for i := len(r.skipped) - 1; i >= 0; i-- {
			if int(r.skipped[i].n) < trim {
				r.forget(i)
			}
		}
	}
	r.extend()
}

func (r *ReceiveSet) forget(i int) {
	last := len(r.skipped) - 1
	r.skipped[i] = r.skipped[last]
	r.skipped[last] = skippedKey{}
	r.skipped = r.skipped[:last]
}

// live reports whether message n may still come.
func (r *ReceiveSet) live(n uint16) bool { return !r.dead && int(n) >= r.trim }

// close forgets the set's keys; its tags leave the index with the next sweep.
func (r *ReceiveSet) close() {
	if r == nil || r.dead {
		return
	}
	r.index.stale += r.pending
	*r = ReceiveSet{index: r.index, slot: r.slot, pending: r.pending, dead: true}
}
