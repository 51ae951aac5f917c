package udp

import (
	"errors"
	"net"
)

// Read waits for packets and fills in as many as have arrived, at least one. It is for one goroutine at a time.
// An error that unwraps to net.ErrClosed is final. Others are of the system and rare, as those that pass by themselves are
// counted and passed over: Read may be called again, after a while.
func (s *Socket) Read(packets []Packet) (int, error) {
	if len(packets) == 0 {
		return 0, nil
	}
	n, err := s.engine.read(packets)
	s.counts.read.Add(uint64(n))
	return n, err
}

// Write sends trains, in their order, and says in each what became of it. It waits while the kernel's buffer is full.
// Its own error is that the socket is closed. It is safe for concurrent use and does not keep the trains.
func (s *Socket) Write(trains []Train) error {
	err := s.engine.write(trains)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return errors.Join(err, net.ErrClosed)
	}
	return err
}
