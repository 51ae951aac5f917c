package gate

import (
	"context"
	"errors"
	"net"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// offer is a connection for a plugin to take.
type offer struct {
	link     *link
	accepted *pb.Accepted             // what the plugin is told; without the ticket
	take     func(data *net.UnixConn) // runs the connection to its end, and owns data
	back     *listener                // where it goes if the process ends before it takes it; nil: nowhere
	timer    *time.Timer              // while it is in a queue
	to       *accepter                // the Accept call that it was last given to
	expired  bool                     // a ticket for it was not used in time
}

// listener queues what arrives for whoever accepts: at most queueLength offers for queueTime each. What is beyond waits where it
// comes from, the system's queue or the stream's, as long as a process holds the listener; while none does, it is closed.
type listener struct {
	binding
	ln net.Listener // nil for a service

	// binding.mu guards these.
	queue    []*offer
	accepter *accepter
	wake     chan struct{} // one token: the queue may have something
	space    chan struct{} // one token: the queue may have room, or no process is there
}

// accepter is one Accept call.
type accepter struct {
	instance *Instance
	done     chan struct{} // closed when another takes over, or the listener ends
}

// listen returns the tunnel's listener for a key, bound by bind if there is none yet.
func (t *tunnel) listen(i *Instance, kind, wanted string, bind func() (net.Listener, string, error)) (*listener, error) {
	t.binding.Lock()
	defer t.binding.Unlock()
	key := kind + " " + wanted
	t.mu.Lock()
	for _, l := range t.listeners {
		if l.key == key && !l.isShut() {
			t.mu.Unlock()
			return l, l.claim(i)
		}
	}
	err := t.room()
	t.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ln, address, err := bind()
	if err != nil {
		return nil, err
	}
	l := &listener{ln: ln, wake: make(chan struct{}, 1), space: make(chan struct{}, 1), binding: binding{
		id: t.gate.ids.Add(1), tunnel: t, kind: kind, wanted: wanted, key: key, address: address, holder: i,
	}}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.room(); err != nil { // removed meanwhile
		if ln != nil {
			_ = ln.Close()
		}
		return nil, err
	}
	t.listeners[l.id] = l
	if ln != nil {
		t.running.Go(l.run)
	}
	return l, nil
}

func (t *tunnel) listener(id uint64) (*listener, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.listeners[id]; l != nil {
		return l, nil
	}
	return nil, refuse(api.ErrInvalid, "tunnel %s has no listener %d: it was closed", t.name, id)
}

// run takes connections until the listener is closed.
func (l *listener) run() {
	defer l.close()
	for failed := 0; failed < acceptTries; {
		l.awaitSpace(nil)
		conn, err := l.ln.Accept()
		switch {
		case err == nil:
			failed = 0
			l.arrived(conn)
		case errors.Is(err, net.ErrClosed) || l.isShut():
			return
		default: // too many open files, say
			failed++
			<-time.After(acceptPause)
		}
	}
	l.tunnel.gate.log.Error("listener ended: it failed again and again", "tunnel", l.tunnel.name, "kind", l.kind)
}

func (l *listener) arrived(conn net.Conn) {
	link, err := l.tunnel.reserve(l.kind, conn.RemoteAddr().String(), true)
	if err != nil {
		_ = conn.Close()
		return
	}
	link.own(conn)
	a := new(pb.Accepted)
	if l.kind == kindI2P {
		a.Peer, a.LocalPort = peerOf(conn), portOf(conn.LocalAddr())
	} else {
		a.RemoteAddress = conn.RemoteAddr().String()
	}
	l.put(&offer{link: link, accepted: a, take: func(data *net.UnixConn) { link.join(data, conn) }, back: l}, false)
}

// enter makes a new accepter the one; the one before ends. nil: the listener was closed.
func (l *listener) enter(i *Instance) *accepter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	if l.accepter != nil {
		close(l.accepter.done)
	}
	l.accepter = &accepter{instance: i, done: make(chan struct{})}
	return l.accepter
}

// release is binding's; who waits for room looks again.
func (l *listener) release(i *Instance) bool {
	defer token(l.space)
	return l.binding.release(i)
}

// leave is called when an Accept call returns.
func (l *listener) leave(a *accepter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.accepter == a {
		l.accepter = nil
		token(l.space)
	}
}

// next waits for an offer. There is none, and no error, where another accepter took over, or the tunnel is gone for the process.
// The token of wake that this call may have taken is put back at the end.
func (l *listener) next(ctx context.Context, gone <-chan struct{}, a *accepter) (*offer, error) {
	defer l.poke()
	for {
		if o, turn := l.pop(a); o != nil || !turn {
			return o, nil
		}
		select {
		case <-l.wake:
		case <-a.done:
			return nil, nil
		case <-gone:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// abandon ends the Accept call of a process.
func (l *listener) abandon(i *Instance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.accepter != nil && l.accepter.instance == i {
		close(l.accepter.done)
		l.accepter = nil
		token(l.space)
	}
}

func (l *listener) close() {
	if !l.shut() {
		return
	}
	if l.ln != nil {
		_ = l.ln.Close()
	}
	l.mu.Lock()
	queue := l.queue
	l.queue = nil
	if l.accepter != nil {
		close(l.accepter.done)
		l.accepter = nil
	}
	l.mu.Unlock()
	token(l.space)
	for _, o := range queue {
		o.timer.Stop()
		o.link.end()
	}
	l.tunnel.mu.Lock()
	delete(l.tunnel.listeners, l.id)
	l.tunnel.mu.Unlock()
}
