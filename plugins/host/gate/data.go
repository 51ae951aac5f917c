package gate

import (
	"errors"
	"net"
	"sync"
	"time"

	"clove.i2p/plugins/api"
)

// serveData takes data connections until the socket is closed, and waits for them. Those that have not shown a ticket yet are
// few; what comes beyond waits in the kernel.
func (i *Instance) serveData(check peerCheck) error {
	var running sync.WaitGroup
	defer running.Wait()
	young := make(chan struct{}, maxPreambles)
	for {
		young <- struct{}{} // the end of the process closes the young ones
		conn, err := i.data.AcceptUnix()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			<-young
			<-time.After(acceptPause) // too many open files, say
			continue
		}
		running.Go(func() {
			o := i.redeem(conn, check)
			<-young
			if o != nil {
				o.take(conn)
			}
		})
	}
}

// redeem reads the preamble. It returns nil and closes the connection where that is not good.
func (i *Instance) redeem(conn *net.UnixConn, check peerCheck) *offer {
	o := i.shown(conn, check)
	if o == nil {
		_ = conn.Close()
		return nil
	}
	if !o.link.to(joined, i) {
		_ = conn.Close()
		o.giveBack()
		return nil
	}
	_ = conn.SetReadDeadline(time.Time{})
	return o
}

// shown is the offer whose ticket the connection shows.
func (i *Instance) shown(conn *net.UnixConn, check peerCheck) *offer {
	if check(conn) != nil || !i.young.add(conn) {
		return nil
	}
	defer i.young.remove(conn)
	_ = conn.SetReadDeadline(time.Now().Add(preambleTime))
	id, err := api.ReadPreamble(conn)
	if err != nil {
		return nil
	}
	if one := i.tickets.take(id); one != nil {
		return one.offer
	}
	return nil
}

// connTable closes its connections when it is closed.
type connTable struct {
	mu     sync.Mutex
	table  map[*net.UnixConn]struct{}
	closed bool
}

func (t *connTable) add(c *net.UnixConn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.table == nil {
		t.table = make(map[*net.UnixConn]struct{})
	}
	if !t.closed {
		t.table[c] = struct{}{}
	}
	return !t.closed
}

func (t *connTable) remove(c *net.UnixConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.table, c)
}

func (t *connTable) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for c := range t.table {
		_ = c.Close()
	}
}
