package flow

import (
	"slices"

	"clove.i2p/router/buf"
)

// A partial is a message of which some fragments arrived.
type partial struct {
	started instant
	frags   [maxFragments]piece
	total   int // 0: the last one is not here yet
	got     int
	highest int // number
	bytes   int // content
}

// An assembly puts fragments together, in any order of arrival. It holds maxPartial messages and maxPartialBytes at most: beyond that the oldest message is
// given up, and so is each that is not complete after partialLife.
type assembly struct {
	pieces
	parts   []*partial // oldest first
	ids     []uint32   // of parts
	spare   []*partial
	dropped *uint64
}

// add copies a fragment and returns the message if that completes it, else nil. Fragments that repeat an earlier one are ignored. Those that contradict it
// end the message and begin it anew, as a sender may divide a message again after its path's MTU fell.
func (a *assembly) add(t instant, id uint32, number int, last bool, data []byte) *buf.Buf {
	if number >= maxFragments {
		return nil
	}
	i := a.find(id)
	if i >= 0 && a.parts[i].contradicts(number, last, data) {
		a.drop(i)
		i = -1
	}
	var p *partial
	if i < 0 {
		if len(a.parts) >= maxPartial {
			a.drop(0)
		}
		p = a.start(t, id)
	} else if p = a.parts[i]; p.frags[number] != (piece{}) {
		return nil
	}
	p.frags[number] = a.keep(data)
	p.got++
	p.highest = max(p.highest, number)
	p.bytes += len(data)
	if last {
		p.total = number + 1
	}
	if p.bytes > maxMessage {
		a.drop(a.find(id))
		return nil
	}
	if p.got == p.total {
		return a.complete(a.find(id))
	}
	for a.held > maxPartialBytes || a.held > leastPartialBytes && !a.budget.room(0) {
		a.drop(0)
	}
	return nil
}

// contradicts reports whether a fragment cannot belong to the same message as the others.
func (p *partial) contradicts(number int, last bool, data []byte) bool {
	switch {
	case p.frags[number] != (piece{}) && int(p.frags[number].n) != len(data):
		return true
	case p.total == 0:
		return last && number < p.highest
	}
	return last != (number == p.total-1) || number >= p.total
}

func (a *assembly) find(id uint32) int {
	return slices.Index(a.ids, id)
}

func (a *assembly) start(t instant, id uint32) *partial {
	var p *partial
	if n := len(a.spare); n > 0 {
		p, a.spare = a.spare[n-1], a.spare[:n-1]
	} else {
		p = new(partial)
	}
	p.started = t
	a.charge(partialFootprint)
	a.parts, a.ids = append(a.parts, p), append(a.ids, id)
	return p
}

// complete joins the fragments.
func (a *assembly) complete(i int) *buf.Buf {
	p := a.parts[i]
	whole := buf.GetFor(p.bytes)
	for _, f := range p.frags[:p.total] {
		first, rest := a.content(f)
		whole.Append(first)
		whole.Append(rest)
	}
	a.remove(i)
	return whole
}

func (a *assembly) drop(i int) {
	*a.dropped++
	a.remove(i)
}

func (a *assembly) remove(i int) {
	p := a.parts[i]
	copy(a.parts[i:], a.parts[i+1:])
	a.parts[len(a.parts)-1] = nil
	a.parts = a.parts[:len(a.parts)-1]
	a.ids = slices.Delete(a.ids, i, i+1)
	for _, f := range p.frags[:p.highest+1] {
		if f != (piece{}) {
			a.forget(f)
		}
	}
	a.charge(-partialFootprint)
	*p = partial{}
	if len(a.spare) < 4 {
		a.spare = append(a.spare, p)
	}
}

// expire gives up what is too old.
func (a *assembly) expire(t instant) {
	for len(a.parts) > 0 && a.parts[0].started+partialLife <= t {
		a.drop(0)
	}
}

// due is when the oldest is too old, or never.
func (a *assembly) due() instant {
	if len(a.parts) == 0 {
		return never
	}
	return a.parts[0].started + partialLife
}

func (a *assembly) close() {
	for len(a.parts) > 0 {
		a.remove(len(a.parts) - 1)
	}
	a.trim()
}

// trim gives memory back if nothing is held.
func (a *assembly) trim() {
	if len(a.parts) == 0 {
		a.spare, a.chunks, a.free = nil, nil, nil
	}
}
