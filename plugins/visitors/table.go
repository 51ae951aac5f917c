package visitors

import "container/list"

// Table keeps a V for each peer, at most max of them. When it is full, the one that was not used for longest and that may go
// makes room.
type Table[V any] struct {
	max   int
	keep  func(*V) bool // may not go
	byKey map[Peer]*list.Element
	order *list.List // of *row[V], the last used first
}

type row[V any] struct {
	key   Peer
	value V
}

// NewTable returns an empty table. keep, which may be nil, says of which values the table may not let go; there must be fewer
// than max of those.
func NewTable[V any](max int, keep func(*V) bool) *Table[V] {
	return &Table[V]{max: max, keep: keep, byKey: make(map[Peer]*list.Element), order: list.New()}
}

// Get returns the value of a peer, a zero one if there is none. It stays valid until the next Get.
func (t *Table[V]) Get(p Peer) *V {
	if e, ok := t.byKey[p]; ok {
		t.order.MoveToFront(e)
		return &e.Value.(*row[V]).value
	}
	if len(t.byKey) >= t.max {
		t.forget()
	}
	r := &row[V]{key: p}
	t.byKey[p] = t.order.PushFront(r)
	return &r.value
}

// Len is the number of peers.
func (t *Table[V]) Len() int { return len(t.byKey) }

func (t *Table[V]) forget() {
	for e := t.order.Back(); e != nil; e = e.Prev() {
		if r := e.Value.(*row[V]); t.keep == nil || !t.keep(&r.value) {
			t.order.Remove(e)
			delete(t.byKey, r.key)
			return
		}
	}
}

// All calls f with everybody, who was used last first, until it returns false. f must not call Get.
func (t *Table[V]) All(f func(Peer, *V) bool) {
	for e := t.order.Front(); e != nil; e = e.Next() {
		if r := e.Value.(*row[V]); !f(r.key, &r.value) {
			return
		}
	}
}
