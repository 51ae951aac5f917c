package flow

// The state of a packet number that was given out.
type packetState uint8

const (
	gone     packetState = iota // acked, forgotten, or never tracked: acks of it say nothing
	inFlight                    // an ack is expected
	lost                        // declared lost, and its blocks sent again; an ack may still come
)

// A packet is what is remembered of one that was sent.
type packet struct {
	sent    instant
	refs    int32 // first of sentLog.refs, -1: none
	through uint32
	size    uint16 // payload
	probe   uint16 // MTU that it tests, or 0
	state   packetState
	hasAck  bool // with an Ack block up to through
	big     bool // longer than the floor allows
}

// A ref is a block that a packet carried.
type ref struct {
	h    handle
	frag uint8
	next int32
}

// A sentLog remembers packets by number, from base to next.
type sentLog struct {
	ring       []packet // length is 0 or a power of two
	base, next uint32
	refs       []ref
	freeRef    int32 // list, -1: empty

	bytes, packets int // in flight
}

func (l *sentLog) at(n uint32) *packet { return &l.ring[n&uint32(len(l.ring)-1)] }

// reserve makes room for one more packet; false if the oldest one has to go first.
func (l *sentLog) reserve() bool {
	span := int(l.next - l.base)
	if span < len(l.ring) {
		return true
	}
	if span >= maxTracked {
		return false
	}
	grown := make([]packet, max(16, 2*len(l.ring)))
	for n := l.base; n != l.next; n++ {
		grown[n&uint32(len(grown)-1)] = *l.at(n)
	}
	l.ring = grown
	return true
}

// skip gives out a number that is not tracked.
func (l *sentLog) skip() uint32 {
	n := l.next
	if l.base == l.next {
		l.base++
	} else if l.reserve() {
		*l.at(n) = packet{refs: -1}
	} else {
		panic("flow: no room reserved")
	}
	l.next++
	return n
}

// add gives out a number for a packet in flight, for which there is room.
func (l *sentLog) add(p packet) uint32 {
	n := l.next
	p.state = inFlight
	*l.at(n) = p
	l.next++
	l.bytes += int(p.size)
	l.packets++
	return n
}

// attach puts a block on a list, which starts with -1.
func (l *sentLog) attach(list *int32, h handle, frag uint8) {
	i := l.freeRef
	if i >= 0 {
		l.freeRef = l.refs[i].next
	} else {
		i = int32(len(l.refs))
		l.refs = append(l.refs, ref{})
	}
	l.refs[i] = ref{h, frag, *list}
	*list = i
}

// land takes a packet out of flight.
func (l *sentLog) land(p *packet, s packetState) {
	if p.state == inFlight {
		l.bytes -= int(p.size)
		l.packets--
	}
	if p.state = s; s == gone {
		for p.refs >= 0 {
			i := p.refs
			p.refs = l.refs[i].next
			l.refs[i].next, l.freeRef = l.freeRef, i
		}
	}
}

// advance forgets what is done with at the old end: all that is gone, and what was lost and sent before t.
func (l *sentLog) advance(t instant) {
	for l.base != l.next {
		p := l.at(l.base)
		if p.state == inFlight || p.state == lost && p.sent > t {
			return
		}
		l.land(p, gone)
		l.base++
	}
}

// trim gives memory back if nothing is remembered.
func (l *sentLog) trim() {
	if l.base == l.next {
		l.ring, l.refs, l.freeRef = nil, nil, -1
	}
}
