package sdk

import (
	"io"
	"net"
	"sync"
)

// openSet is all that a tunnel has open. Streams count for a drain; the rest does not.
type openSet struct {
	mu      sync.Mutex
	ended   bool
	streams int
	all     map[io.Closer]bool // true: a stream
	changed chan struct{}      // 1: a stream has ended

	goroutines sync.WaitGroup // of listeners
}

func newOpenSet() *openSet {
	return &openSet{all: map[io.Closer]bool{}, changed: make(chan struct{}, 1)}
}

// add fails with net.ErrClosed when the tunnel has ended; then it has closed c.
func (s *openSet) add(c io.Closer, stream bool) error {
	s.mu.Lock()
	if !s.ended {
		s.all[c] = stream
		if stream {
			s.streams++
		}
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	_ = c.Close()
	return net.ErrClosed
}

// serve adds c and runs the goroutines that belong to it, which end when c is closed. If the tunnel has ended it closes c and
// runs nothing.
func (s *openSet) serve(c io.Closer, goroutines ...func()) error {
	s.mu.Lock()
	if !s.ended {
		s.all[c] = false
		for _, g := range goroutines {
			s.goroutines.Go(g)
		}
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	_ = c.Close()
	return net.ErrClosed
}

func (s *openSet) remove(c io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stream, ok := s.all[c]
	delete(s.all, c)
	if ok && stream {
		s.streams--
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}

func (s *openSet) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams
}

// closeAll closes everything, and what is added later.
func (s *openSet) closeAll() {
	s.mu.Lock()
	s.ended = true
	all := make([]io.Closer, 0, len(s.all))
	for c := range s.all {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}
