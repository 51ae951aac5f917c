package ssu2

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/udp"
)

// A fakeActor wants so many turns.
type fakeActor struct {
	places place
	turns  int
	does   func(w *writer, now time.Time)
}

func (f *fakeActor) place() *place { return &f.places }

func (f *fakeActor) act(w *writer, now time.Time) (time.Time, bool) {
	f.turns--
	f.does(w, now)
	return time.Time{}, f.turns > 0
}

func TestBulkKeepsNoNewcomerWaiting(t *testing.T) {
	_, _, ours, _ := pair(t)
	l := ours.link
	w := newWriter(t.Context(), l)
	var order []string
	newcomer := &fakeActor{turns: 1, does: func(*writer, time.Time) { order = append(order, "newcomer") }}
	bulk := &fakeActor{turns: 100}
	bulk.does = func(*writer, time.Time) {
		order = append(order, "bulk")
		if bulk.turns == 97 {
			l.mark(newcomer)
		}
	}
	l.mark(bulk)
	w.round(time.Now())
	if len(order) != 101 || slices.Index(order, "newcomer") > 5 {
		t.Errorf("the newcomer was number %d of %d", slices.Index(order, "newcomer"), len(order))
	}
}

// Marks come with each ack. Whoever has much to send and gets many has no more turns than others.
func TestMarksGiveNoSecondTurn(t *testing.T) {
	_, _, ours, _ := pair(t)
	l := ours.link
	w := newWriter(t.Context(), l)
	turns, most := 0, 0
	var acked, other fakeActor
	acked = fakeActor{turns: 100, does: func(*writer, time.Time) {
		turns++
		if acked.turns > 0 {
			l.mark(&acked)
		}
	}}
	other = fakeActor{turns: 100, does: func(*writer, time.Time) { most, turns = max(most, turns), 0 }}
	l.mark(&acked)
	l.mark(&other)
	w.round(time.Now())
	if most > 1 {
		t.Errorf("%d turns at once", most)
	}
}

func TestTrainsArePacketsOfOneLength(t *testing.T) {
	_, _, ours, theirs := pair(t)
	w := newWriter(t.Context(), ours.link)
	to := routeTo(ours.link.local)
	add := func(s *session, n int) { w.add(s, to, 1, w.room()[:n]) }
	var lengths [][2]int // segment, packets
	for _, step := range []struct {
		s *session
		n int
	}{{ours, 1000}, {ours, 1000}, {ours, 400}, {ours, 400}, {theirs, 400}, {nil, 400}, {nil, 400}, {ours, 300}, {ours, 500}} {
		add(step.s, step.n)
	}
	for _, tr := range w.trains {
		lengths = append(lengths, [2]int{tr.Segment, (len(tr.Data) + tr.Segment - 1) / tr.Segment})
	}
	want := [][2]int{{1000, 3}, {400, 1}, {400, 1}, {400, 1}, {400, 1}, {300, 1}, {500, 1}}
	if !slices.Equal(lengths, want) {
		t.Errorf("trains %v, want %v", lengths, want)
	}
	w.flush()
	for range 2 * trainPackets {
		add(ours, 100)
	}
	if len(w.trains) != 2 {
		t.Errorf("%d trains", len(w.trains))
	}
	w.flush()
	add(ours, 1400)
	w.end()
	add(ours, 1200)
	if len(w.trains) != 2 {
		t.Error("a closed train took a packet")
	}
}

// What the system refused for its length is sent again at once, without waiting for an ack that does not come.
func TestRefusedLengthsReachTheFlow(t *testing.T) {
	_, _, ours, _ := pair(t)
	socket := &refusingSocket{deadSocket: ours.link.socket.(deadSocket), refuse: true}
	ours.link.socket = socket
	w := newWriter(t.Context(), ours.link)
	now := time.Now()
	ours.flow = flow.New(flow.Config{Now: now, Initiator: true, MTU: maxMTU, RTT: time.Millisecond})
	ours.Send([]*buf.Buf{message(1, 1300, 1)})
	w.round(now)
	if socket.bytes < 1300 || ours.s.c.tooLarge.Load() == 0 {
		t.Fatalf("%d bytes, %d refused", socket.bytes, ours.s.c.tooLarge.Load())
	}
	socket.refuse, socket.bytes = false, 0
	w.round(now)
	w.round(now.Add(2 * wheelTick))
	if socket.bytes < 1300 {
		t.Errorf("%d bytes were sent again", socket.bytes)
	}
}

type refusingSocket struct {
	deadSocket
	refuse bool
	bytes  int
}

func (s *refusingSocket) Write(trains []udp.Train) error {
	for i := range trains {
		s.bytes += len(trains[i].Data)
		if s.refuse {
			trains[i].Err = udp.ErrTooLarge
		}
	}
	return nil
}

// A slowSocket takes its time.
type slowSocket struct{ deadSocket }

func (slowSocket) Write([]udp.Train) error { time.Sleep(time.Second); return nil }

// Writing takes as long as the bandwidth lasts. Who has a turn after that is told the time that it is then.
func TestTurnsHaveTheTimeAfterAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, ours, _ := pair(t)
		ours.link.socket = slowSocket{ours.link.socket.(deadSocket)}
		w := newWriter(t.Context(), ours.link)
		start, turns := time.Now(), 0
		for range 3 {
			ours.link.mark(&fakeActor{turns: 2, does: func(w *writer, now time.Time) {
				turns++
				if old := time.Since(now); old != 0 {
					t.Errorf("turn %d: now is %v old", turns, old)
				}
				for range 40 {
					w.add(nil, routeTo(ours.link.local), 1, w.room()[:1400])
				}
			}})
		}
		for range 200 {
			ours.link.send(routeTo(ours.link.local), make([]byte, 1400))
		}
		w.round(start)
		if turns != 6 || time.Since(start) < 3*time.Second {
			t.Errorf("%d turns in %v", turns, time.Since(start))
		}
	})
}
