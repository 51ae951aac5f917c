package main

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/visitors"
)

// session is one port of one destination, and the local socket by which the server knows it. With raw alone it is a port.
type session struct {
	from  string // host:port
	peer  visitors.Peer
	port  uint16
	local net.Conn
	leave func() // tells the book
	last  atomic.Int64
}

func (s *session) touch(now time.Time) { s.last.Store(now.UnixNano()) }

func (s *session) idle(now time.Time) time.Duration { return now.Sub(time.Unix(0, s.last.Load())) }

// peers are the sessions of a server.
type peers struct {
	readers sync.WaitGroup

	mu     sync.Mutex
	closed bool
	byFrom map[string]*session
	byPort map[uint16]map[*session]bool // for raw datagrams, which have nothing else
}

func newPeers() *peers {
	return &peers{byFrom: make(map[string]*session), byPort: make(map[uint16]map[*session]bool)}
}

func (p *peers) get(from string) (*session, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.byFrom[from]
	return s, ok
}

// only is the one session with a port; two that have it would get each other's datagrams.
func (p *peers) only(port uint16) (*session, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.byPort[port]) == 1 {
		for s := range p.byPort[port] {
			return s, true
		}
	}
	return nil, false
}

// add takes a session and runs its reader; false, and its end, once the peers are closed or another has the address.
func (p *peers) add(s *session, read func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.byFrom[s.from] != nil {
		_ = s.local.Close()
		s.leave()
		return false
	}
	p.byFrom[s.from] = s
	if p.byPort[s.port] == nil {
		p.byPort[s.port] = make(map[*session]bool)
	}
	p.byPort[s.port][s] = true
	p.readers.Go(read)
	return true
}

// remove ends a session. Its reader ends then.
func (p *peers) remove(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(s)
}

// drop is remove with p.mu held.
func (p *peers) drop(s *session) {
	if p.byFrom[s.from] != s {
		return
	}
	delete(p.byFrom, s.from)
	if delete(p.byPort[s.port], s); len(p.byPort[s.port]) == 0 {
		delete(p.byPort, s.port)
	}
	_ = s.local.Close()
	s.leave()
}

func (p *peers) expire(now time.Time, idle time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.byFrom {
		if s.idle(now) >= idle {
			p.drop(s)
		}
	}
}

// dismiss ends the sessions of those who may not come any more.
func (p *peers) dismiss(l visitors.Lists) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.byFrom {
		if !l.Allows(s.peer) {
			p.drop(s)
		}
	}
}

func (p *peers) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.byFrom)
}

// close ends all sessions and waits for their readers.
func (p *peers) close() {
	p.mu.Lock()
	p.closed = true
	for _, s := range p.byFrom {
		p.drop(s)
	}
	p.mu.Unlock()
	p.readers.Wait()
}
