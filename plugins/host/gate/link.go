package gate

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/proxies/relay"
)

// Kinds of connections and listeners, as status shows them.
const (
	kindI2P      = "i2p"
	kindLocal    = "local"
	kindClearnet = "clearnet"
	kindService  = "service"
	kindFile     = "file"
	kindPackets  = "packets"
)

type linkState int

const (
	dialling linkState = iota
	waiting            // in a listener's queue
	ticketed           // a plugin has a ticket for it
	joined
)

var stateNames = [...]string{"dialling", "waiting", "ticket", "open"}

// link is a connection of a tunnel: it takes one of the tunnel's places when it begins, and owns what has to be closed when it
// ends, in whichever state it is.
//
//	dialling --------> ticketed -> joined -> ended
//	waiting (accepted) ---^  |
//	     ^-------------------+ the plugin process ended before it redeemed the ticket, or, once, did not in time
type link struct {
	id      uint64
	tunnel  *tunnel
	kind    string
	inbound bool
	opened  time.Time
	peer    string

	sent, received atomic.Uint64 // bytes: from the plugin, to the plugin

	mu     sync.Mutex
	state  linkState
	holder *Instance
	owned  []io.Closer
	atEnd  []func()
	said   bool // all that the plugin wrote was passed on, and the end after it
	ended  bool
}

type closerFunc func()

func (f closerFunc) Close() error {
	f()
	return nil
}

// own closes c when the link ends. If it has ended, c is closed at once and the answer is false.
func (l *link) own(c io.Closer) bool {
	l.mu.Lock()
	ended := l.ended
	if !ended {
		l.owned = append(l.owned, c)
	}
	l.mu.Unlock()
	if ended {
		_ = c.Close()
	}
	return !ended
}

// after runs f when the link has ended.
func (l *link) after(f func()) {
	l.mu.Lock()
	ended := l.ended
	if !ended {
		l.atEnd = append(l.atEnd, f)
	}
	l.mu.Unlock()
	if ended {
		f()
	}
}

// to changes the state and the process that holds the link: nil for none. It is false if the link, or the process, has ended.
func (l *link) to(state linkState, holder *Instance) bool {
	l.mu.Lock()
	before := l.holder
	if l.ended {
		l.mu.Unlock()
		return false
	}
	l.state, l.holder = state, holder
	l.mu.Unlock()
	if before != holder && before != nil {
		before.drop(l)
	}
	return holder == nil || before == holder || holder.hold(l)
}

func (l *link) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// abort ends a link. If what the plugin wrote has not all been passed on, and the connection can be reset, the other side sees that.
func (l *link) abort() {
	l.mu.Lock()
	for _, c := range l.owned {
		if c, ok := c.(interface{ SetLinger(sec int) error }); ok && !l.said {
			_ = c.SetLinger(0)
		}
	}
	l.mu.Unlock()
	l.end()
}

// toPeer is a stream that tells its link when the plugin's direction has ended.
type toPeer struct {
	net.Conn
	link *link
}

// CloseWrite is called after everything was written.
func (s toPeer) CloseWrite() error {
	err := relay.CloseWrite(s.Conn)
	l := s.link
	l.mu.Lock()
	l.said = true
	holder := l.holder
	l.mu.Unlock()
	if holder != nil {
		holder.settle()
	}
	return err
}

// speaks: bytes of the plugin may be on their way to the other side.
func (l *link) speaks() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	carries := l.kind != kindFile && l.kind != kindPackets
	return carries && !l.ended && !l.said && (l.state == ticketed || l.state == joined)
}

// end closes everything, once.
func (l *link) end() {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return
	}
	l.ended = true
	owned, atEnd, holder := l.owned, l.atEnd, l.holder
	l.owned, l.atEnd = nil, nil
	l.mu.Unlock()
	for _, c := range slices.Backward(owned) {
		_ = c.Close()
	}
	if holder != nil {
		holder.drop(l)
	}
	for _, f := range atEnd {
		f()
	}
	l.tunnel.release(l)
}

// join moves bytes between the plugin's data connection and the stream until both have ended; then the link ends.
func (l *link) join(data *net.UnixConn, stream net.Conn) {
	defer l.end()
	if !l.own(data) {
		return
	}
	d := &dataConn{UnixConn: data, closed: l.end}
	defer d.watching.Wait()
	relay.Join(context.Background(), d, toPeer{stream, l}, relay.Limits{Idle: joinIdle, Linger: joinLinger}, &l.sent, &l.received)
}

// row for the connection table.
func (l *link) row() Connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := Connection{
		ID: l.id, Tunnel: l.tunnel.name, Kind: l.kind, Direction: "out", Peer: l.peer, State: stateNames[l.state],
		Sent: l.sent.Load(), Received: l.received.Load(), Opened: l.opened,
	}
	if l.inbound {
		c.Direction = "in"
	}
	if l.holder != nil {
		c.Plugin = l.holder.plugin
	}
	return c
}
