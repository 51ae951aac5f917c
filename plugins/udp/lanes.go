package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/sdk"
)

// lane is an I2P port and the application that has it. Lanes are kept until the tunnel ends: applications come and go, and each
// socket is work for the host.
//
//	free -> taken by a sender -> quiet for idle_timeout, or for laneRest if another needs it -> free
type lane struct {
	conns []net.PacketConn // of the kind to send, and perhaps for raw answers

	mu   sync.Mutex
	from string // the application's address; empty: free
	last time.Time
}

// out is what the lane sends with.
func (l *lane) out() net.PacketConn { return l.conns[0] }

// take gives the lane to an application, and returns whose it was.
func (l *lane) take(from string, now time.Time) (before string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.from, l.last = l.from, from, now
	return before
}

func (l *lane) rested(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.last) >= laneRest
}

// sender is whose the lane is.
func (l *lane) sender(now time.Time) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from != "" {
		l.last = now
	}
	return l.from, l.from != ""
}

// open makes a lane with its readers.
func (c *client) open(_ context.Context) (*lane, error) {
	var err error
	for range portTries {
		port := 1024 + rand.IntN(1<<16-1024)
		var l *lane
		if l, err = c.openAt(port); err == nil {
			return l, nil
		}
		if !errors.Is(err, api.ErrInUse) {
			break
		}
	}
	return nil, fmt.Errorf("open an I2P port: %w", err)
}

func (c *client) openAt(port int) (*lane, error) {
	kind := kinds[c.settings.Kind]
	l := new(lane)
	listen := func(k sdk.PacketKind) error {
		conn, err := c.tunnel.ListenPacket(k, port)
		if err == nil {
			l.conns = append(l.conns, conn)
		}
		return err
	}
	err := listen(kind)
	if err == nil && c.settings.Raw && kind != sdk.Raw {
		err = listen(sdk.Raw)
	}
	if err != nil {
		for _, conn := range l.conns {
			_ = conn.Close()
		}
		return nil, err
	}
	for i, conn := range l.conns {
		c.readers.Go(func() { c.fromLane(l, conn, i > 0 || kind == sdk.Raw) })
	}
	return l, nil
}

// lanes of a client by the application that has them.
type lanes struct {
	most int

	mu     sync.Mutex
	closed bool
	all    []*lane
	byFrom map[string]*lane
}

func newLanes(most int) *lanes { return &lanes{most: most, byFrom: make(map[string]*lane)} }

// add takes a new lane.
func (s *lanes) add(l *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		l.close()
		return
	}
	s.all = append(s.all, l)
	if l.from != "" {
		s.byFrom[l.from] = l
	}
}

// of is the lane of an application: its own, or a free one, or that which has rested longest. Without any, room says whether one
// may be made.
func (s *lanes) of(from string, now time.Time) (l *lane, room bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.byFrom[from]; l != nil {
		l.take(from, now)
		return l, true
	}
	var best *lane
	for _, l := range s.all {
		if best == nil || l.before(best) {
			best = l
		}
	}
	switch {
	case best != nil && best.isFree():
	case len(s.all) < s.most:
		return nil, true
	case best == nil || !best.rested(now):
		return nil, false
	}
	delete(s.byFrom, best.take(from, now))
	s.byFrom[from] = best
	return best, true
}

func (l *lane) isFree() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from == ""
}

// before orders lanes by who should lose theirs first.
func (l *lane) before(o *lane) bool {
	l.mu.Lock()
	free, last := l.from == "", l.last
	l.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if otherFree := o.from == ""; free != otherFree {
		return free
	}
	return last.Before(o.last)
}

// expire frees the lanes that were quiet for so long.
func (s *lanes) expire(now time.Time, idle time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for from, l := range s.byFrom {
		l.mu.Lock()
		if now.Sub(l.last) >= idle {
			l.from = ""
			delete(s.byFrom, from)
		}
		l.mu.Unlock()
	}
}

// used is the number of applications.
func (s *lanes) used() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byFrom)
}

func (s *lanes) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, l := range s.all {
		l.close()
	}
}

func (l *lane) close() {
	for _, conn := range l.conns {
		_ = conn.Close()
	}
}
