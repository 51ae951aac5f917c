package gate

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"clove.i2p/plugins/api"
)

// packetSocket is a bound datagram socket of a tunnel. It is read all the time. A few packets wait for a plugin that is about to
// take the socket, or that comes back; what comes beyond them, or faster than the plugin reads, is dropped and counted.
type packetSocket struct {
	binding
	conn PacketConn
	// anywhere: may it send to who has not written to it before?
	anywhere bool
	peers    peers

	// binding.mu guards these.
	sink  *packetSink
	link  *link // of the sink
	early []earlyPacket
	grace *time.Timer // runs while a socket that had a sink has none
}

// earlyPacket came while no plugin had the socket.
type earlyPacket struct {
	from    string
	payload []byte
}

// packets returns the tunnel's socket for a key, bound by bind if there is none yet.
func (t *tunnel) packets(i *Instance, kind, wanted string, anywhere bool, bind func() (PacketConn, string, error)) (*packetSocket, error) {
	t.binding.Lock()
	defer t.binding.Unlock()
	key := kindPackets + " " + kind + " " + wanted
	t.mu.Lock()
	for _, s := range t.sockets {
		if s.key == key && !s.isShut() {
			t.mu.Unlock()
			return s, s.claim(i)
		}
	}
	err := t.room()
	t.mu.Unlock()
	if err != nil {
		return nil, err
	}
	conn, address, err := bind()
	if err != nil {
		return nil, err
	}
	s := &packetSocket{conn: conn, anywhere: anywhere, binding: binding{
		id: t.gate.ids.Add(1), tunnel: t, kind: kind, wanted: wanted, key: key, address: address, holder: i,
	}}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.room(); err != nil { // removed meanwhile
		_ = conn.Close()
		return nil, err
	}
	t.sockets[s.id] = s
	t.running.Go(s.run)
	return s, nil
}

// run reads until the socket is closed.
func (s *packetSocket) run() {
	defer s.close()
	buf := make([]byte, api.MaxFrame)
	for failed := 0; failed < acceptTries; {
		n, from, err := s.conn.ReadFrom(buf)
		switch {
		case err == nil:
			failed = 0
			s.peers.saw(from)
			s.arrived(from, buf[:n])
		case errors.Is(err, net.ErrClosed) || s.isShut():
			return
		default:
			failed++
			<-time.After(acceptPause)
		}
	}
}

func (s *packetSocket) arrived(from string, payload []byte) {
	s.mu.Lock()
	sink := s.sink
	waits := sink == nil && len(s.early) < maxEarly
	if waits {
		s.early = append(s.early, earlyPacket{from, bytes.Clone(payload)})
	}
	s.mu.Unlock()
	if !waits && (sink == nil || !sink.put(from, payload)) {
		s.tunnel.packetsLost.Add(1)
	}
}

// serve joins the socket with a data connection until that ends. The newest one gets what arrives; the one before ends.
func (s *packetSocket) serve(l *link, data *net.UnixConn) {
	defer l.end()
	if !l.own(data) {
		return
	}
	sink := newPacketSink(l, data)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	before := s.link
	s.sink, s.link = sink, l
	for _, p := range s.early { // under the lock: what comes now is behind them
		if !sink.put(p.from, p.payload) {
			s.tunnel.packetsLost.Add(1)
		}
	}
	s.early = nil
	if s.grace != nil {
		s.grace.Stop()
		s.grace = nil
	}
	s.mu.Unlock()
	if before != nil {
		before.end()
	}
	defer s.left(sink)
	sink.serve(func(to string, payload []byte) bool {
		if to == "" || !s.anywhere && !s.peers.knows(to) {
			return false
		}
		ctx, cancel := context.WithTimeout(context.Background(), packetTime)
		defer cancel()
		return s.conn.WriteTo(ctx, payload, to) == nil
	})
}

// left is called when a data connection has ended.
func (s *packetSocket) left(sink *packetSink) {
	s.mu.Lock()
	if s.sink == sink {
		s.sink, s.link = nil, nil
	}
	s.mu.Unlock()
	s.linger()
}

// linger closes a socket that no data connection has after a while, unless a process takes it.
func (s *packetSocket) linger() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sink == nil && !s.closed && s.grace == nil {
		s.grace = time.AfterFunc(packetGrace, func() {
			if !s.held() {
				s.close()
			}
		})
	}
}

func (s *packetSocket) close() {
	if !s.shut() {
		return
	}
	_ = s.conn.Close()
	s.mu.Lock()
	l := s.link
	if s.grace != nil {
		s.grace.Stop()
	}
	s.mu.Unlock()
	if l != nil {
		l.end()
	}
	s.tunnel.mu.Lock()
	delete(s.tunnel.sockets, s.id)
	s.tunnel.mu.Unlock()
}

// peers are those that a socket has heard of lately, and may answer.
type peers struct {
	mu    sync.Mutex
	heard map[string]time.Time
}

func (p *peers) saw(address string) {
	if address == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.heard == nil {
		p.heard = make(map[string]time.Time)
	}
	if _, ok := p.heard[address]; !ok && len(p.heard) >= maxPeers {
		p.shrink(now)
	}
	p.heard[address] = now
}

// shrink forgets the older half: a flood of peers costs one pass for each 2,048 of them.
func (p *peers) shrink(now time.Time) {
	times := make([]time.Time, 0, len(p.heard))
	for _, t := range p.heard {
		times = append(times, t)
	}
	slices.SortFunc(times, time.Time.Compare)
	middle := times[len(times)/2]
	if old := now.Add(-peerLife); old.After(middle) {
		middle = old
	}
	for a, t := range p.heard {
		if !t.After(middle) {
			delete(p.heard, a)
		}
	}
}

func (p *peers) knows(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.heard[address]
	return ok && time.Since(t) < peerLife
}
