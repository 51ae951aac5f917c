package ssu2

import (
	"context"
	"errors"
	"syscall"
	"time"

	"clove.i2p/router/udp"
	"clove.i2p/router/wheel"
)

// A writer is the state of the goroutine that sends for a link: what is ready goes into trains, in one memory, and all trains
// into one Write. It owns the deadlines of the link.
type writer struct {
	l      *link
	ctx    context.Context // bounds the wait for bandwidth
	wheel  *wheel.Wheel
	dirty  []actor
	turns  []actor // who has a turn now
	raw    []rawPacket
	arena  []byte
	used   int
	trains []udp.Train
	of     []sent
	whole  int // trains that take no more packets
}

// sent tells which packets of a session a train has.
type sent struct {
	s           *session // nil: of none
	first, last uint32
}

func newWriter(ctx context.Context, l *link) *writer {
	return &writer{l: l, ctx: ctx, wheel: wheel.New(time.Now(), wheelTick), arena: make([]byte, arenaSize)}
}

// run sends until stop is closed.
func (w *writer) run(stop <-chan struct{}) {
	timer := time.NewTimer(wheelTick)
	defer timer.Stop()
	for {
		if next := w.wheel.Next(); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(time.Until(next), time.Microsecond))
		}
		select {
		case <-stop:
			return
		case <-w.l.wake:
		case <-timer.C:
		}
		w.round(time.Now())
	}
}

// round gives everybody a turn who wants one, and who asks for more another one after the others, until nobody does.
func (w *writer) round(now time.Time) {
	for now = w.collect(now); len(w.turns) > 0; now = w.collect(now) {
		again := w.turns[:0]
		for _, a := range w.turns {
			if w.reserve(turnBytes) {
				now = time.Now()
			}
			next, more := a.act(w, now)
			p := a.place()
			switch {
			case more:
				again = append(again, a)
			case next.IsZero():
				w.wheel.Cancel(&p.timer)
			default:
				w.wheel.Set(now, &p.timer, next)
			}
			p.turn = more
		}
		clear(w.turns[len(again):])
		w.turns = again
		if len(again) > 0 {
			now = time.Now()
		}
	}
	w.flush()
}

// collect takes the single packets, and adds to the turns who was marked or whose time has come. It returns what now is then.
func (w *writer) collect(now time.Time) time.Time {
	w.dirty, w.raw = w.l.take(w.dirty, w.raw)
	for i, p := range w.raw {
		if w.reserve(maxMTU) {
			now = time.Now()
		}
		w.single(p.by, p.data)
		w.raw[i].data = nil
	}
	for i, a := range w.dirty {
		a.place().dirty.Store(false)
		w.turn(a)
		w.dirty[i] = nil
	}
	w.wheel.Advance(now, w.due)
	return now
}

func (w *writer) due(t *wheel.Timer) { w.turn(t.Owner.(actor)) }

// turn gives an actor one turn of the round, however often it is marked meanwhile: who gets acks has no more than others.
func (w *writer) turn(a actor) {
	if p := a.place(); !p.turn {
		p.turn = true
		w.turns = append(w.turns, a)
	}
}

// reserve makes room for n bytes of packets. Nobody's lock is held: writing may take its time, which it did if this is true.
func (w *writer) reserve(n int) bool {
	if len(w.arena)-w.used >= n {
		return false
	}
	w.flush()
	return true
}

// room lends memory for one packet of any length. An actor may use turnBytes in a turn.
func (w *writer) room() []byte {
	return w.arena[w.used : w.used : w.used+maxMTU]
}

// add takes a packet that was made in room: into the train of the same session if it fits there, else into a new one.
func (w *writer) add(s *session, by route, number uint32, packet []byte) {
	w.used += len(packet)
	if n := len(w.trains); n > w.whole {
		t, of := &w.trains[n-1], &w.of[n-1]
		if of.s == s && s != nil && t.To == by.to && t.Local == by.local && len(packet) <= t.Segment && len(t.Data)%t.Segment == 0 &&
			len(t.Data)/t.Segment < trainPackets {
			t.Data = t.Data[:len(t.Data)+len(packet)]
			of.last = number
			return
		}
	}
	w.trains = append(w.trains, udp.Train{To: by.to, Local: by.local, Data: w.arena[w.used-len(packet) : w.used], Segment: len(packet)})
	w.of = append(w.of, sent{s, number, number})
}

// end closes the train that is open.
func (w *writer) end() { w.whole = len(w.trains) }

// single sends a packet that belongs to no flow.
func (w *writer) single(by route, packet []byte) {
	if len(packet) > maxMTU {
		return
	}
	room := w.room()
	w.add(nil, by, 0, append(room, packet...))
}

// flush writes the trains.
func (w *writer) flush() {
	if len(w.trains) == 0 {
		w.used = 0
		return
	}
	if lim := w.l.s.cfg.Limiter; lim != nil {
		lim.WaitOut(w.ctx, w.used) // fails when the transport stops; what is left then still goes out
	}
	_ = w.l.socket.Write(w.trains) // fails when the socket is closed; run ends soon after
	for i := range w.trains {
		if err := w.trains[i].Err; err != nil && errors.Is(err, syscall.EMSGSIZE) {
			w.l.s.c.tooLarge.Add(1)
			if of := w.of[i]; of.s != nil {
				of.s.unsent(time.Now(), of.first, of.last)
			} else {
				w.l.s.tooLong(w.trains[i].To)
			}
		}
	}
	clear(w.of)
	w.trains, w.of, w.used = w.trains[:0], w.of[:0], 0
	w.whole = 0
}
