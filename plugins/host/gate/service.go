package gate

import (
	"context"
	"net"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// service is Host for one process. The interceptors turn its errors into statuses.
type service struct {
	pb.UnimplementedHostServer
	instance *Instance
}

// timeout of a call in milliseconds, as the contract has it.
func timeout(ctx context.Context, ms int64) (context.Context, context.CancelFunc) {
	d := defaultDialTime
	if ms > 0 {
		d = min(time.Duration(min(ms, maxDialTime.Milliseconds()))*time.Millisecond, maxDialTime)
	}
	return context.WithTimeout(ctx, d)
}

// give makes a ticket for an offer. Where it fails the offer is given back.
func (i *Instance) give(ctx context.Context, a *attachment, o *offer) ([]byte, error) {
	if err := a.slot(ctx); err != nil {
		o.giveBack()
		return nil, err
	}
	return i.giveSlot(a, o)
}

// giveSlot is give for a caller that has a slot.
func (i *Instance) giveSlot(a *attachment, o *offer) ([]byte, error) {
	if o.link.to(ticketed, i) {
		if id, ok := i.tickets.issue(a, o); ok {
			return id[:], nil
		}
	}
	<-a.slots
	o.giveBack()
	return nil, errDetached(a.tunnel.name)
}

// open takes a place for a connection, dials it, and makes the ticket for it. The dial can be killed like a connection.
func (i *Instance) open(ctx context.Context, a *attachment, kind, peer string, dial func(context.Context, *link) (net.Conn, error)) (ticket []byte, conn net.Conn, err error) {
	l, err := a.tunnel.reserve(kind, peer, false)
	if err != nil {
		return nil, nil, err
	}
	dialCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.own(closerFunc(cancel))
	if !l.to(dialling, i) {
		l.end()
		return nil, nil, errDetached(a.tunnel.name)
	}
	conn, err = dial(dialCtx, l)
	if err != nil {
		killed := l.over()
		l.end()
		if killed {
			err = errKilled
		}
		return nil, nil, err
	}
	if !l.own(conn) {
		return nil, nil, errKilled
	}
	ticket, err = i.give(ctx, a, &offer{link: l, take: func(data *net.UnixConn) { l.join(data, conn) }})
	return ticket, conn, err
}

var errKilled = refuse(context.Canceled, "the connection was closed in the host")

func (s *service) Dial(ctx context.Context, r *pb.DialRequest) (*pb.Stream, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	if err := s.instance.permit(pb.Permission_DIAL_I2P); err != nil {
		return nil, err
	}
	address, err := i2pAddress(r.GetAddress())
	if err != nil {
		return nil, err
	}
	ctx, cancel := timeout(ctx, r.GetTimeoutMs())
	defer cancel()
	ticket, conn, err := s.instance.open(ctx, a, kindI2P, address, func(ctx context.Context, l *link) (net.Conn, error) {
		dest, err := a.tunnel.leaveFrom(ctx, l, r.GetIsolation())
		if err != nil {
			return nil, err
		}
		return dest.Dial(ctx, address)
	})
	if err != nil {
		return nil, err
	}
	return &pb.Stream{Ticket: ticket, Peer: peerOf(conn)}, nil
}

// leaveFrom is the destination for streams with an isolation string, with tunnels.
func (t *tunnel) leaveFrom(ctx context.Context, l *link, isolation string) (Destination, error) {
	home, err := t.destination()
	if err != nil {
		return nil, err
	}
	if isolation == "" {
		return home.get(ctx, true)
	}
	d, err := t.apart.take(isolation)
	if err != nil {
		return nil, err
	}
	l.after(func() { t.apart.put(d) })
	return d.get(ctx, true)
}

func (s *service) Listen(ctx context.Context, r *pb.ListenRequest) (*pb.Listener, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	if err := s.instance.permit(pb.Permission_LISTEN_I2P); err != nil {
		return nil, err
	}
	port, err := i2pPort(r.GetPort())
	if err != nil {
		return nil, err
	}
	dest, err := a.tunnel.opened(ctx)
	if err != nil {
		return nil, err
	}
	wanted := dest.Address().Base32 + portSuffix(port)
	return s.instance.listen(a, kindI2P, wanted, func() (net.Listener, string, error) {
		ln, err := dest.Listen(port)
		return ln, wanted, err
	})
}

// opened is the tunnel's destination, perhaps without tunnels yet.
func (t *tunnel) opened(ctx context.Context) (Destination, error) {
	home, err := t.destination()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	return home.get(ctx, false)
}

// listen makes the process the holder of a listener.
func (i *Instance) listen(a *attachment, kind, wanted string, bind func() (net.Listener, string, error)) (*pb.Listener, error) {
	l, err := a.tunnel.listen(i, kind, wanted, bind)
	if err != nil {
		return nil, err
	}
	select {
	case <-a.gone: // detached meanwhile
		l.release(i)
		return nil, errDetached(a.tunnel.name)
	default:
		return &pb.Listener{Id: l.id, Address: l.address}, nil
	}
}

func (s *service) ListenLocal(ctx context.Context, r *pb.ListenLocalRequest) (*pb.Listener, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	address, err := s.instance.mayListen(a.tunnel, r.GetAddress())
	if err != nil {
		return nil, err
	}
	return s.instance.listen(a, kindLocal, address, func() (net.Listener, string, error) {
		ln, err := listenLocal(ctx, address)
		if err != nil {
			return nil, "", err
		}
		return ln, ln.Addr().String(), nil
	})
}

func (s *service) Provide(_ context.Context, r *pb.ProvideRequest) (*pb.Listener, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	name := r.GetService()
	if !isService(name) {
		return nil, refuse(api.ErrInvalid, "%.70q is no name of a service: use 1 to 64 of a-z, 0-9 and -", name)
	}
	return s.instance.listen(a, kindService, name, func() (net.Listener, string, error) { return nil, name, nil })
}

func (s *service) Accept(r *pb.AcceptRequest, stream pb.Host_AcceptServer) error {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return err
	}
	l, err := a.tunnel.listener(r.GetId())
	if err != nil {
		return err
	}
	turn := l.enter(s.instance)
	if turn == nil {
		return nil // closed meanwhile
	}
	defer l.leave(turn)
	if err := stream.SendHeader(nil); err != nil { // so that the process knows that it is its turn
		return err
	}
	for {
		more, err := s.acceptOne(stream, a, l, turn)
		if stream.Context().Err() != nil {
			s.instance.tickets.hurry(turn)
		}
		if !more || err != nil {
			return err
		}
	}
}

// acceptOne passes the next connection on. more is false at the end of the listener, or of this process's turn.
func (s *service) acceptOne(stream pb.Host_AcceptServer, a *attachment, l *listener, turn *accepter) (more bool, err error) {
	ctx := stream.Context()
	select {
	case a.slots <- struct{}{}:
	case <-turn.done:
		return false, nil
	case <-a.gone:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
	o, err := l.next(ctx, a.gone, turn)
	if o == nil {
		<-a.slots
		return false, err
	}
	o.to = turn
	ticket, err := s.instance.giveSlot(a, o)
	if err != nil {
		return true, nil // killed meanwhile; or detached, which the next turn sees
	}
	answer := &pb.Accepted{
		Ticket: ticket, Peer: o.accepted.GetPeer(), LocalPort: o.accepted.GetLocalPort(),
		RemoteAddress: o.accepted.GetRemoteAddress(), Isolation: o.accepted.GetIsolation(),
	}
	if err := stream.Send(answer); err != nil {
		if one := s.instance.tickets.take(api.Ticket(ticket)); one != nil {
			one.offer.giveBack()
		}
		return false, err
	}
	return true, nil
}

func (s *service) CloseListener(_ context.Context, r *pb.CloseListenerRequest) (*pb.CloseListenerResponse, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	l, err := a.tunnel.listener(r.GetId())
	if err != nil {
		return &pb.CloseListenerResponse{}, nil // closed already
	}
	l.abandon(s.instance)
	if l.release(s.instance) && !s.instance.isRetired() {
		l.close()
	}
	return &pb.CloseListenerResponse{}, nil
}
