package flow

import "clove.i2p/router/buf"

// pieces keeps the content of fragments one after another in buffers that all messages of the session share, so that a fragment takes little more memory than
// it has bytes, however few these are. A buffer is given back when nothing in it is needed any more.
type pieces struct {
	budget *Budget
	held   int     // bytes of memory
	chunks []chunk // a piece counts them from 1
	free   []uint16
	open   uint16 // the one that is being filled, 0: none
}

type chunk struct {
	b    *buf.Buf
	refs int    // pieces
	next uint16 // where the last piece goes on if it does not end here
}

// A piece is where content is: up to buf.Small bytes. The zero piece is none.
type piece struct{ chunk, from, n uint16 }

func (s *pieces) charge(n int) {
	s.held += n
	s.budget.charge(n)
}

// keep copies data.
func (s *pieces) keep(data []byte) piece {
	if s.open == 0 || s.room() == 0 {
		s.grow()
	}
	p := piece{s.open, uint16(s.at(s.open).b.Len()), uint16(len(data))}
	k := min(s.room(), len(data))
	s.fill(data[:k])
	if k < len(data) {
		s.grow()
		s.at(p.chunk).next = s.open
		s.fill(data[k:])
	}
	return p
}

func (s *pieces) at(c uint16) *chunk { return &s.chunks[c-1] }

func (s *pieces) room() int { return buf.Small - s.at(s.open).b.Len() }

func (s *pieces) fill(data []byte) {
	c := s.at(s.open)
	c.b.Append(data)
	c.refs++
}

// grow opens a new buffer.
func (s *pieces) grow() {
	if n := len(s.free); n > 0 {
		s.open, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.chunks = append(s.chunks, chunk{})
		s.open = uint16(len(s.chunks))
	}
	b := buf.Get()
	*s.at(s.open) = chunk{b: b}
	s.charge(b.Footprint())
}

// content lends what a piece has; rest is what is of it in a second buffer.
func (s *pieces) content(p piece) (first, rest []byte) {
	c := s.at(p.chunk)
	first = c.b.Bytes()[p.from:]
	if n := int(p.n); n > len(first) {
		return first, s.at(c.next).b.Bytes()[:n-len(first)]
	}
	return first[:p.n], nil
}

// forget gives a piece up.
func (s *pieces) forget(p piece) {
	_, rest := s.content(p)
	if len(rest) > 0 {
		s.unref(s.at(p.chunk).next)
	}
	s.unref(p.chunk)
}

func (s *pieces) unref(i uint16) {
	c := s.at(i)
	if c.refs--; c.refs > 0 {
		return
	}
	s.charge(-c.b.Footprint())
	c.b.Release()
	c.b = nil
	s.free = append(s.free, i)
	if s.open == i {
		s.open = 0
	}
}
