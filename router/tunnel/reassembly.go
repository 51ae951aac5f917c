package tunnel

import (
	"bytes"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
)

// A reassembly puts messages together from fragments that come in any order. What it holds is bounded in messages,
// bytes and age; the oldest message goes first. Where endpoints share a budget and it is spent, each has its least.
type reassembly struct {
	partials       map[uint32]*partial
	oldest, newest *partial
	spare          []*partial
	bytes          int
	standard       bool    // messages keep the standard header
	budget         *Budget // of all endpoints, or nil
	stats          EndpointStats
}

// A partial is a message of which fragments are missing.
type partial struct {
	id       uint32
	since    time.Time
	delivery Delivery
	body     *buf.Buf // fragments 0 to have-1, nil before the first
	have     int      // number of the fragment that body needs next
	last     int      // number of the last fragment, 0 while unknown
	ahead    []aheadFragment
	bytes    int // charged to the reassembly

	older, newer *partial
}

// An aheadFragment came before its predecessor.
type aheadFragment struct {
	number int
	data   []byte
}

func newReassembly(standard bool, budget *Budget) reassembly {
	return reassembly{partials: make(map[uint32]*partial), standard: standard, budget: budget}
}

// add takes a fragment and returns the message if it is complete.
func (r *reassembly) add(f *fragment, now time.Time) (Delivery, *buf.Buf) {
	if !f.split {
		b := buf.GetFor(len(f.data))
		b.Append(f.data)
		return f.delivery, r.finish(b)
	}
	p := r.partials[f.id]
	if p == nil {
		p = r.start(f.id, now)
	}
	if f.number < p.have || p.holds(f.number) {
		r.stats.Repeated++
		return Delivery{}, nil
	}
	if p.last != 0 && (f.number > p.last || f.last && f.number != p.last) || f.last && p.beyond(f.number) {
		r.stats.Malformed++
		r.remove(p)
		return Delivery{}, nil
	}
	if f.last {
		p.last = f.number
	}
	if f.number > p.have {
		p.ahead = append(p.ahead, aheadFragment{f.number, bytes.Clone(f.data)})
		r.charge(p, aheadCost+len(f.data))
		return Delivery{}, nil
	}
	if f.number == 0 {
		p.delivery = f.delivery
		p.body = buf.Get()
		if !r.charge(p, buf.Small) {
			return Delivery{}, nil
		}
	}
	data := f.data
	for data != nil {
		if !r.extend(p, data) {
			return Delivery{}, nil
		}
		data = p.take(p.have)
	}
	if p.last == 0 || p.have <= p.last {
		return Delivery{}, nil
	}
	d, b := p.delivery, p.body
	p.body = nil
	r.remove(p)
	return d, r.finish(b)
}

// extend appends the next fragment to the body, which moves to a large buffer only when bytes for it have really
// come. It gives the message up and returns false if it gets too long.
func (r *reassembly) extend(p *partial, data []byte) bool {
	n := p.body.Len() + len(data)
	if n > i2np.StandardHeaderLen+i2np.MaxPayload {
		r.stats.Malformed++
		r.remove(p)
		return false
	}
	if p.body.Len() <= buf.Small && n > buf.Small {
		large := buf.GetLarge()
		large.Append(p.body.Bytes())
		p.body.Release()
		p.body = large
		p.have++
		large.Append(data)
		return r.charge(p, buf.Large-buf.Small)
	}
	p.have++
	p.body.Append(data)
	return true
}

// finish checks the message and gives it the form that is wanted, or releases what is none.
func (r *reassembly) finish(b *buf.Buf) *buf.Buf {
	var err error
	if r.standard {
		_, err = parseStandard(b.Bytes())
	} else {
		err = Shorten(b)
	}
	if err != nil {
		r.stats.Malformed++
		b.Release()
		return nil
	}
	return b
}

// holds reports whether fragment number waits ahead.
func (p *partial) holds(number int) bool {
	for i := range p.ahead {
		if p.ahead[i].number == number {
			return true
		}
	}
	return false
}

// beyond reports whether a fragment after number waits ahead.
func (p *partial) beyond(number int) bool {
	for i := range p.ahead {
		if p.ahead[i].number > number {
			return true
		}
	}
	return false
}

// take removes the fragment number from those ahead; nil if it is not there.
func (p *partial) take(number int) []byte {
	for i := range p.ahead {
		if p.ahead[i].number == number {
			data := p.ahead[i].data
			end := len(p.ahead) - 1
			p.ahead[i] = p.ahead[end]
			p.ahead[end] = aheadFragment{}
			p.ahead = p.ahead[:end]
			return data
		}
	}
	return nil
}

func (r *reassembly) start(id uint32, now time.Time) *partial {
	if len(r.partials) >= maxPartials {
		r.stats.Evicted++
		r.remove(r.oldest)
	}
	var p *partial
	if n := len(r.spare); n > 0 {
		p, r.spare = r.spare[n-1], r.spare[:n-1]
	} else {
		p = new(partial)
	}
	p.id, p.since, p.older = id, now, r.newest
	if r.newest != nil {
		r.newest.newer = p
	} else {
		r.oldest = p
	}
	r.newest = p
	r.partials[id] = p
	r.charge(p, partialCost) // less than leastBytes, so that p stays
	return p
}

// charge books n bytes on p and gives the oldest messages up while it is too much in all. It returns false if p
// itself had to go.
func (r *reassembly) charge(p *partial, n int) bool {
	p.bytes += n
	r.bytes += n
	r.budget.add(n)
	for r.bytes > maxPartialBytes || r.bytes > leastBytes && r.budget.exceeded() {
		victim := r.oldest
		r.stats.Evicted++
		r.remove(victim)
		if victim == p {
			return false
		}
	}
	return true
}

// drop gives up the messages that are too old.
func (r *reassembly) drop(now time.Time) {
	for r.oldest != nil && now.Sub(r.oldest.since) > fragmentAge {
		r.stats.Expired++
		r.remove(r.oldest)
	}
}

func (r *reassembly) clear() {
	for r.oldest != nil {
		r.remove(r.oldest)
	}
	r.spare = nil
}

func (r *reassembly) remove(p *partial) {
	delete(r.partials, p.id)
	if p.older != nil {
		p.older.newer = p.newer
	} else {
		r.oldest = p.newer
	}
	if p.newer != nil {
		p.newer.older = p.older
	} else {
		r.newest = p.older
	}
	if p.body != nil {
		p.body.Release()
	}
	r.bytes -= p.bytes
	r.budget.add(-p.bytes)
	ahead := p.ahead
	clear(ahead)
	if cap(ahead) > maxSpareAhead {
		ahead = nil
	}
	*p = partial{ahead: ahead[:0]}
	if len(r.spare) < maxSpare {
		r.spare = append(r.spare, p)
	}
}
