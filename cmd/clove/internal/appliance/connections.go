package appliance

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/proxies"
)

// connections are the open streams of the proxies, for whoever wants to see or end them.
type connections struct {
	mu   sync.Mutex
	next uint64
	open map[uint64]*connection
}

// A connection is a stream of a proxy that is counted while it is open.
type connection struct {
	net.Conn
	table          *connections
	id             uint64
	listener, kind string
	peer           string
	opened         time.Time
	sent, received atomic.Uint64
	once           sync.Once
}

// add begins to list a stream. The result has what the proxies want of a stream: CloseWrite, and Base32 if conn has it.
func (t *connections) add(conn net.Conn, target proxies.Target, listener string) net.Conn {
	c := &connection{
		Conn: conn, table: t, listener: listener, kind: "i2p", peer: net.JoinHostPort(target.Host, strconv.Itoa(target.Port)), opened: time.Now(),
	}
	if target.Via != "" {
		c.kind = "outproxy " + target.Via
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = make(map[uint64]*connection)
	}
	t.next++
	c.id = t.next
	t.open[c.id] = c
	if a, ok := conn.(proxies.Addressed); ok {
		return addressed{c, a}
	}
	return c
}

func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received.Add(uint64(n))
	return n, err
}

func (c *connection) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(uint64(n))
	return n, err
}

// CloseWrite ends one direction.
func (c *connection) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return c.Close()
}

// Close ends the stream.
func (c *connection) Close() error {
	c.once.Do(func() {
		c.table.mu.Lock()
		delete(c.table.open, c.id)
		c.table.mu.Unlock()
	})
	return c.Conn.Close()
}

// addressed is a connection whose far end has a name.
type addressed struct {
	*connection
	name proxies.Addressed
}

// Base32 is that of the far end.
func (a addressed) Base32() string { return a.name.Base32() }

// list is sorted by id.
func (t *connections) list() []control.Connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]control.Connection, 0, len(t.open))
	ids := make(map[string]uint64, len(t.open))
	for id, c := range t.open {
		name := proxyID + strconv.FormatUint(id, 10)
		ids[name] = id
		out = append(out, control.Connection{
			ID: name, Owner: "proxy " + c.listener, Kind: c.kind, Direction: "out", Peer: c.peer, State: "open",
			Sent: c.sent.Load(), Received: c.received.Load(), Opened: c.opened,
		})
	}
	slices.SortFunc(out, func(a, b control.Connection) int { return cmp.Compare(ids[a.ID], ids[b.ID]) })
	return out
}

// count is the number of open streams of a listener.
func (t *connections) count(listener string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.open {
		if c.listener == listener {
			n++
		}
	}
	return n
}

// kill reports whether there was such a stream.
func (t *connections) kill(id uint64) bool {
	t.mu.Lock()
	c := t.open[id]
	t.mu.Unlock()
	if c == nil {
		return false
	}
	c.Close()
	return true
}

// Ids of the connections of proxies and of tunnels, which are counted apart, begin with a letter each.
const (
	proxyID  = "p"
	tunnelID = "t"
)

// Connections lists those of the proxies and of the tunnels.
func (a *Appliance) Connections() []control.Connection {
	out := a.streams.list()
	if a.host == nil {
		return out
	}
	for _, c := range a.host.Connections() {
		out = append(out, control.Connection{
			ID: tunnelID + strconv.FormatUint(c.ID, 10), Owner: "tunnel " + c.Tunnel, Kind: c.Kind, Direction: c.Direction, Peer: c.Peer,
			State: c.State, Sent: c.Sent, Received: c.Received, Opened: c.Opened,
		})
	}
	return out
}

// KillConnection ends one.
func (a *Appliance) KillConnection(id string) error {
	if number, ok := strings.CutPrefix(id, proxyID); ok {
		if n, err := strconv.ParseUint(number, 10, 64); err == nil && a.streams.kill(n) {
			return nil
		}
	}
	if number, ok := strings.CutPrefix(id, tunnelID); ok && a.host != nil {
		if n, err := strconv.ParseUint(number, 10, 64); err == nil && a.host.Kill(n) == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: there is no open connection %s; clove connections lists them", control.ErrUnknown, id)
}
