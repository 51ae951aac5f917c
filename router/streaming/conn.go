package streaming

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// A Conn is one stream. It is safe for concurrent use.
type Conn struct {
	stack  *Stack
	remote *i2p.Destination
	hash   i2p.Hash // of remote
	ports  Ports    // of what we send
	id     StreamID // ours: the peer sends to it
	dialed chan<- *Conn

	readReady, writeReady chan struct{} // of one element: something may have changed
	gone                  chan struct{} // closed with done
	readBy, writeBy       deadline

	timer struct { // belongs to Stack.timers
		at    time.Duration
		index int
	}

	mu      sync.Mutex
	peer    StreamID // the peer's, 0 until its SYN was seen
	opener  bool     // we sent the SYN
	open    bool     // both sides know each other
	known   bool     // the peer has shown that it knows id
	expects *keys.SigningPublicKey
	checks  bucket // of signatures
	mtu     int

	q        sendQueue
	rtt      roundTrip
	control  Controller
	pace     pacer
	recovery recovery
	choked   choked

	recv  receiveBuffer
	ack   acknowledger
	choke choker

	// Deadlines, 0 for none; see timers in tick.go.
	paceAt, endAt time.Duration
	shutAt        time.Duration // when a CLOSE that waits is sent, see CloseWrite
	repeatsAt     time.Duration // when the path is changed, as only duplicates came
	progressAt    time.Duration // the last acknowledgement of something new, or the begin of waiting for one
	sentAt        time.Duration // the last packet of the sequence
	heardAt       time.Duration // the last packet of the peer
	closedAt      time.Duration // when the application closed
	spokeAt       time.Duration // the last packet of ours
	armed         time.Duration // what timer.at is at most

	writeClosed bool // CLOSE is queued
	writeShut   bool // nothing more will be written
	whole       bool // the peer ends both directions on CLOSE
	appClosed   bool
	hard        bool // Close aborts
	abandoned   bool // Dial does not want it any more
	counted     bool // in Stack.incoming
	doubled     bool // the SYN reply was repeated before the first data
	discarded   int
	reached     time.Duration
	done        bool
	err         error // with done; nil after an orderly end

	out, spare []*buf.Buf // packets that leave at unlock
	flushing   bool
	reroute    bool // tell the Carrier at unlock
	accounted  int  // in stats.held
}

var _ net.Conn = (*Conn)(nil)

func newConn(s *Stack, to *i2p.Destination, p Ports, id StreamID, now time.Duration) *Conn {
	c := &Conn{
		stack: s, remote: to, hash: to.Hash(), ports: p, id: id,
		readReady: make(chan struct{}, 1), writeReady: make(chan struct{}, 1), gone: make(chan struct{}),
		readBy: newDeadline(), writeBy: newDeadline(),
		control: s.cfg.NewController(s.cfg.MaxWindow),
		heardAt: now, spokeAt: now, progressAt: now,
	}
	c.timer.index = -1
	c.mtu = min(s.carrier.MTU(c.hash), MTURatchet)
	c.choked.span = maxSpan
	c.pace = pacer{credit: pacingBurst, last: now}
	return c
}

// RemoteDestination is the peer, as its signature proved.
func (c *Conn) RemoteDestination() *i2p.Destination { return c.remote }

// LocalAddr is an Addr.
func (c *Conn) LocalAddr() net.Addr { return Addr{c.stack.hash, c.ports.From} }

// RemoteAddr is an Addr.
func (c *Conn) RemoteAddr() net.Addr { return Addr{c.hash, c.ports.To} }

// Read returns bytes of the peer, io.EOF after its CLOSE and after CloseRead, net.ErrClosed after Close.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		past := c.readBy.wait()
		if isClosed(past) {
			return 0, opError("read", c, os.ErrDeadlineExceeded)
		}
		n, err := c.tryRead(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		select {
		case <-c.readReady:
		case <-past:
		case <-c.gone:
		}
	}
}

func (c *Conn) tryRead(p []byte) (int, error) {
	c.mu.Lock()
	defer c.unlock()
	switch {
	case c.appClosed:
		notify(c.readReady) // for another reader
		return 0, net.ErrClosed
	case c.recv.discard && c.err == nil:
		notify(c.readReady)
		return 0, io.EOF
	}
	if n := c.recv.take(p); n > 0 {
		c.unchoke(c.stack.now())
		if c.recv.readable() || c.recv.eof() {
			notify(c.readReady)
		}
		return n, nil
	}
	switch {
	case c.recv.eof():
		notify(c.readReady)
		return 0, io.EOF
	case c.done && c.err != nil:
		return 0, c.err
	case c.done:
		return 0, io.EOF
	}
	return 0, nil
}

// Write queues p and returns when all of it is within reach of the send window. It fails with net.ErrClosed after
// Close and CloseWrite.
func (c *Conn) Write(p []byte) (n int, err error) {
	for {
		past := c.writeBy.wait()
		if isClosed(past) {
			return n, opError("write", c, os.ErrDeadlineExceeded)
		}
		k, err := c.tryWrite(p[n:])
		n += k
		if err != nil || n == len(p) {
			return n, err
		}
		select {
		case <-c.writeReady:
		case <-past:
		case <-c.gone:
		}
	}
}

func (c *Conn) tryWrite(p []byte) (int, error) {
	c.mu.Lock()
	defer c.unlock()
	switch {
	case c.appClosed || c.writeShut:
		notify(c.writeReady) // for another writer
		return 0, net.ErrClosed
	case c.done && c.err != nil:
		return 0, c.err
	case c.done:
		return 0, net.ErrClosed
	}
	n := c.queue(p)
	c.send(c.stack.now())
	if c.q.queued() < maxQueued {
		notify(c.writeReady)
	}
	return n, nil
}

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	c.readBy.set(t)
	c.writeBy.set(t)
	return nil
}

// SetReadDeadline is that of net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { c.readBy.set(t); return nil }

// SetWriteDeadline is that of net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error { c.writeBy.set(t); return nil }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// unlock sends what was put in out, sets the timer and unlocks. Packets leave without the lock, so that the Carrier
// may take its time; while one goroutine sends, the packets of others queue behind.
func (c *Conn) unlock() {
	if d := c.recv.held - c.accounted; d != 0 {
		c.accounted = c.recv.held
		c.stack.stats.held.Add(int64(d))
	}
	c.arm()
	if c.flushing {
		c.mu.Unlock()
		return
	}
	c.flushing = true
	for len(c.out) > 0 || c.reroute {
		out, reroute := c.out, c.reroute
		c.out, c.reroute = c.spare[:0], false
		c.mu.Unlock()
		if reroute {
			c.stack.rerouteTo(c.hash)
		}
		err := c.stack.transmit(c.hash, c.ports, out)
		clear(out)
		c.mu.Lock()
		c.spare = out
		if err != nil {
			c.unreachable()
		}
	}
	c.flushing = false
	c.mu.Unlock()
}

// unreachable asks for the LeaseSet of the peer: the Carrier could not send. The timers repeat the packets.
func (c *Conn) unreachable() {
	c.stack.stats.sendErrors.Add(1)
	c.lookUp(c.stack.now(), false)
}

func (c *Conn) lookUp(now time.Duration, fresh bool) {
	if c.done || (c.reached != 0 && now-c.reached < reachInterval) {
		return
	}
	c.reached = now
	c.stack.reach(c, fresh)
}

// reachable is called when the LeaseSet is there: what waits is sent at once.
func (c *Conn) reachable() {
	c.mu.Lock()
	defer c.unlock()
	if c.done {
		return
	}
	now := c.stack.now()
	if c.rtt.backoff > 0 || !c.open || !c.known {
		for seq := c.q.una; seq != c.q.next; seq++ {
			c.q.markLost(seq)
		}
		c.progressAt = now
	}
	c.send(now)
}
