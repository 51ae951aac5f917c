package gate

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// bare is a tunnel with no gate's network behind it, for what needs a clock.
func bare(t *testing.T) (*tunnel, *Instance) {
	t.Helper()
	g, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.SetTunnel(TunnelSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	i := &Instance{gate: g, plugin: "p", attached: make(map[string]*attachment), links: make(map[*link]struct{})}
	if err := i.Attach("t"); err != nil {
		t.Fatal(err)
	}
	tun, _ := g.tunnel("t")
	t.Cleanup(func() { _ = g.Close() })
	return tun, i
}

// arrive is a connection that ends at a pipe.
func arrive(t *testing.T, tun *tunnel, back *listener) (*offer, net.Conn) {
	t.Helper()
	l, err := tun.reserve(kindI2P, "", true)
	if err != nil {
		t.Fatal(err)
	}
	here, far := net.Pipe()
	l.own(here)
	return &offer{link: l, accepted: new(pb.Accepted), take: func(*net.UnixConn) {}, back: back}, far
}

func closedNow(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(-1))
	_, err := c.Read(make([]byte, 1))
	return !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err)
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func TestTicketIsGoodOnceAndForItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tun, i := bare(t)
		a, _ := i.tunnel("t")
		o, far := arrive(t, tun, nil)
		id, err := i.give(t.Context(), a, o)
		if err != nil {
			t.Fatal(err)
		}
		if i.tickets.take(api.Ticket{}) != nil {
			t.Error("a ticket that nobody gave is good")
		}
		time.Sleep(api.TicketLife - 1)
		if closedNow(far) {
			t.Fatal("closed before its time")
		}
		if i.tickets.take(api.Ticket(id)) == nil || i.tickets.take(api.Ticket(id)) != nil {
			t.Error("a ticket has to be good once")
		}

		o, far = arrive(t, tun, nil)
		id, _ = i.give(t.Context(), a, o)
		time.Sleep(api.TicketLife)
		synctest.Wait()
		if i.tickets.take(api.Ticket(id)) != nil || !closedNow(far) {
			t.Error("a ticket has to end after its life, with its connection")
		}
		if len(a.slots) != 0 || tun.expired.Load() != 1 {
			t.Errorf("%d slots taken, %d expired", len(a.slots), tun.expired.Load())
		}
	})
}

func TestTicketsOutstandingAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tun, i := bare(t)
		a, _ := i.tunnel("t")
		for range maxTickets {
			o, _ := arrive(t, tun, nil)
			if _, err := i.give(t.Context(), a, o); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		o, far := arrive(t, tun, nil)
		if _, err := i.give(ctx, a, o); !errors.Is(err, api.ErrLimit) || !closedNow(far) {
			t.Errorf("one more: %v", err)
		}
		// The next waits until the others have ended.
		o, _ = arrive(t, tun, nil)
		if _, err := i.give(t.Context(), a, o); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := i.tickets.outstanding(); n != 1 {
			t.Errorf("%d tickets outstanding, want 1", n)
		}
		i.tickets.void(nil)
	})
}

func TestWhatNobodyTakesIsClosedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tun, i := bare(t)
		l, err := tun.listen(i, kindService, "s", func() (net.Listener, string, error) { return nil, "s", nil })
		if err != nil {
			t.Fatal(err)
		}
		o, far := arrive(t, tun, l)
		l.put(o, false)
		time.Sleep(queueTime - 1)
		if closedNow(far) {
			t.Fatal("closed before its time")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if !closedNow(far) || tun.expired.Load() != 1 || len(l.queue) != 0 {
			t.Errorf("closed %v, %d expired, %d in the queue", closedNow(far), tun.expired.Load(), len(l.queue))
		}
	})
}

// Whoever waits for room gets it, however few tokens there are; and nobody waits for a process that has left.
func TestBurstOfServiceStreamsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tun, i := bare(t)
		l, _ := tun.listen(i, kindService, "s", func() (net.Listener, string, error) { return nil, "s", nil })
		turn := l.enter(i)
		for range queueLength {
			o, _ := arrive(t, tun, l)
			l.put(o, false)
		}
		dialled := make(chan error, 20)
		for range 20 {
			go func() {
				_, err := tun.gate.DialService(t.Context(), "t", "s", "")
				dialled <- err
			}()
		}
		synctest.Wait()
		if len(l.queue) != queueLength || tun.refused.Load() != 0 {
			t.Fatalf("%d in the queue, %d refused", len(l.queue), tun.refused.Load())
		}
		for n := range 10 {
			o, _ := l.pop(turn)
			o.link.end()
			synctest.Wait()
			if len(l.queue) != queueLength {
				t.Fatalf("%d in the queue after %d were taken", len(l.queue), n+1)
			}
		}
		l.leave(turn)
		synctest.Wait()
		if n := len(dialled); n != 0 {
			t.Errorf("%d refused while the process may accept again", n)
		}
		tun.leave(i)
		synctest.Wait()
		if n := len(dialled); n != 10 {
			t.Errorf("%d refused after the process left, want 10", n)
		}
		// What a process gives back is never refused.
		o, far := arrive(t, tun, l)
		if !l.put(o, true) || closedNow(far) || l.queue[0] != o {
			t.Error("an offer that came back was refused")
		}
		l.close()
		for range 20 {
			if err := <-dialled; !errors.Is(err, api.ErrNotReady) {
				t.Error(err)
			}
		}
	})
}

// Two accepters wait, and one more comes: only the newest gets connections, however the wake-ups fall.
func TestNewestAccepterWins(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			tun, i := bare(t)
			l, _ := tun.listen(i, kindService, "s", func() (net.Listener, string, error) { return nil, "s", nil })
			old := make(chan *offer, 2)
			for range 2 {
				turn := l.enter(i)
				go func() {
					o, _ := l.next(t.Context(), nil, turn)
					old <- o
				}()
				synctest.Wait()
			}
			newest := l.enter(i)
			o, _ := arrive(t, tun, l)
			go l.put(o, false)
			if got, err := l.next(t.Context(), nil, newest); got != o || err != nil {
				t.Fatalf("the newest got %v, %v", got, err)
			}
			for range 2 {
				if got := <-old; got != nil {
					t.Fatal("an older accepter got a connection")
				}
			}
			o.link.end()
		})
	}
}

func TestIsolatedDestinationsAreBoundedAndCloseWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := new(countingNetwork)
		iso := &isolation{network: net, spec: Spec{Tunnel: "t"}}
		var all []*isolated
		for n := range maxIsolated {
			d, err := iso.take(string(rune('a' + n)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.get(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			all = append(all, d)
		}
		if _, err := iso.take("one more"); !errors.Is(err, api.ErrLimit) {
			t.Errorf("one more while all are used: %v", err)
		}
		again, err := iso.take("a")
		if err != nil || again != all[0] {
			t.Errorf("the same string: %v", err)
		}
		iso.put(again)
		iso.put(all[3]) // without streams: makes room
		d, err := iso.take("one more")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := net.open.Load(); n != maxIsolated-1 {
			t.Errorf("%d open, want %d: the idle one makes room", n, maxIsolated-1)
		}
		iso.put(d)
		iso.put(all[0])
		time.Sleep(isolatedIdle - 1)
		if _, err := iso.take("a"); err != nil { // used again just in time
			t.Fatal(err)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if n := iso.open(); n != maxIsolated-1 {
			t.Errorf("%d open, want %d: only the idle one is closed", n, maxIsolated-1)
		}
		iso.close()
		if n := net.open.Load(); n != 0 {
			t.Errorf("%d open after close", n)
		}
	})
}

type countingNetwork struct{ open atomic.Int32 }

func (n *countingNetwork) Open(context.Context, Spec) (Destination, error) {
	n.open.Add(1)
	return countingDestination{net: n}, nil
}

func (n *countingNetwork) Lookup(context.Context, string) (Address, error) { return Address{}, nil }

type countingDestination struct {
	Destination
	net *countingNetwork
}

func (d countingDestination) Close() error {
	d.net.open.Add(-1)
	return nil
}

// A connection whose ticket was lost on the way goes to the next accepter, once.
func TestUnusedTicketGivesTheConnectionBackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tun, i := bare(t)
		a, _ := i.tunnel("t")
		l, _ := tun.listen(i, kindService, "s", func() (net.Listener, string, error) { return nil, "s", nil })
		o, far := arrive(t, tun, l)
		for try := range 2 {
			if _, err := i.give(t.Context(), a, o); err != nil {
				t.Fatal(err)
			}
			time.Sleep(api.TicketLife)
			synctest.Wait()
			turn := l.enter(i)
			got, _ := l.pop(turn)
			if back := got == o; back != (try == 0) || closedNow(far) == back {
				t.Fatalf("try %d: back in the queue: %v, closed: %v", try, back, closedNow(far))
			}
		}
		if len(a.slots) != 0 || tun.expired.Load() != 1 {
			t.Errorf("%d slots taken, %d expired", len(a.slots), tun.expired.Load())
		}
	})
}
