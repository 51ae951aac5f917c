package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"clove.i2p/plugins/api/pb"
)

// listener takes the connections of one listener of the host. A goroutine shows their tickets as they come, because a ticket
// is good for seconds only, and queues them for Accept.
//
// Drain and the end of the tunnel end this side only: the host's listener goes on for the tunnel's next instance. Only Close,
// called by the author, closes the host's.
type listener struct {
	tunnel *Tunnel
	id     uint64
	addr   Addr
	stream grpc.ServerStreamingClient[pb.Accepted]
	cancel context.CancelFunc

	queue  chan net.Conn // closed by take
	moved  chan struct{} // the host will send no more, and all that it sent is in queue
	quiet  atomic.Bool   // ended by drain or by the end of the tunnel
	closed chan struct{}
	close  sync.Once
	err    error // why take ended, before queue is closed
}

var _ net.Listener = (*listener)(nil)

func (t *Tunnel) listen(l *pb.Listener, addr Addr) (net.Listener, error) {
	ctx, cancel := context.WithCancel(t.program.ctx)
	stream, err := t.program.host.Accept(ctx, &pb.AcceptRequest{Tunnel: t.name, Id: l.Id})
	if err != nil {
		cancel()
		return nil, hostError(ctx, err)
	}
	// The host sends the header when connections come to us and no longer to the process before. Without one Recv tells why.
	if _, err := stream.Header(); err != nil {
		cancel()
		return nil, hostError(ctx, err)
	}
	own := &listener{
		tunnel: t, id: l.Id, addr: addr, stream: stream, cancel: cancel,
		queue: make(chan net.Conn, acceptBacklog), moved: make(chan struct{}), closed: make(chan struct{}),
	}
	if err := t.open.serve((*endOfTunnel)(own), func() { own.take(ctx) }, own.endWithDrain); err != nil {
		return nil, err
	}
	return own, nil
}

// endWithDrain waits a moment for the host to end the stream of connections, which it does when the tunnel's next process has
// taken over: what it has sent until then would be lost otherwise.
func (l *listener) endWithDrain() {
	select {
	case <-l.tunnel.life.draining:
	case <-l.closed:
		return
	}
	timer := time.NewTimer(handover)
	defer timer.Stop()
	select {
	case <-l.moved:
	case <-timer.C:
	case <-l.closed:
	}
	l.end()
}

// take runs until the stream of connections ends.
func (l *listener) take(ctx context.Context) {
	defer close(l.queue)
	for {
		a, err := l.stream.Recv()
		if errors.Is(err, io.EOF) {
			close(l.moved)
			<-l.closed // the host has given the listener to the tunnel's next process, or settings grant it no more
			return
		}
		if err != nil {
			l.err = hostError(ctx, err)
			return
		}
		local, remote := l.addresses(a)
		c, err := l.tunnel.connect(l.tunnel.program.ctx, a.Ticket, connInfo{
			local: local, remote: remote, peer: addressOf(a.Peer), hasPeer: a.Peer != nil,
			port: int(a.LocalPort), isolation: a.Isolation,
		})
		if err != nil {
			l.tunnel.Log.Debug("connection lost before it was accepted", "error", err)
			continue
		}
		select {
		case l.queue <- c:
		default:
			l.tunnel.Log.Warn("connection closed: too many wait to be accepted", "limit", acceptBacklog)
			_ = c.Close()
		}
	}
}

func (l *listener) addresses(a *pb.Accepted) (local, remote Addr) {
	if a.Peer == nil {
		return l.addr, Addr{l.addr.Net, or(a.RemoteAddress, unspecified)}
	}
	local = l.addr
	if host, _, err := net.SplitHostPort(l.addr.Address); err == nil {
		local.Address = net.JoinHostPort(host, strconv.Itoa(int(a.LocalPort)))
	}
	return local, Addr{"i2p", or(a.RemoteAddress, a.Peer.Base32+":0")}
}

// Accept returns net.ErrClosed when the tunnel drains or has ended, after what had come until then.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		if !l.quiet.Load() {
			return nil, l.opError(net.ErrClosed)
		}
	default:
	}
	c, ok := <-l.queue
	if ok {
		return c, nil
	}
	select {
	case <-l.closed:
		return nil, l.opError(net.ErrClosed)
	default:
		return nil, l.opError(fmt.Errorf("the host's listener ended: %w", l.err))
	}
}

func (l *listener) opError(err error) error {
	return &net.OpError{Op: "accept", Net: l.addr.Net, Addr: l.addr, Err: err}
}

// Close closes the host's listener too, and connections that wait for Accept. When the tunnel is ending it is end.
func (l *listener) Close() error {
	if l.tunnel.life.isEnding() {
		l.end()
		return nil
	}
	var err error
	l.close.Do(func() {
		close(l.closed)
		l.cancel()
		ctx, cancel := context.WithTimeout(l.tunnel.program.ctx, callTime)
		defer cancel()
		_, err = l.tunnel.program.host.CloseListener(ctx, &pb.CloseListenerRequest{Tunnel: l.tunnel.name, Id: l.id})
		l.tunnel.open.remove((*endOfTunnel)(l))
		for c := range l.queue {
			_ = c.Close()
		}
	})
	if err != nil {
		return hostError(context.Background(), err)
	}
	return nil
}

// end is Close without telling the host.
func (l *listener) end() {
	l.close.Do(func() {
		l.quiet.Store(true)
		close(l.closed)
		l.cancel()
		l.tunnel.open.remove((*endOfTunnel)(l))
	})
}

func (l *listener) Addr() net.Addr { return l.addr }

// endOfTunnel is a listener as the tunnel's end closes it.
type endOfTunnel listener

func (e *endOfTunnel) Close() error {
	(*listener)(e).end()
	return nil
}
