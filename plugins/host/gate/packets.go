package gate

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// maxUDP is the largest payload of a UDP packet, and fits into a frame with any address of IP.
const maxUDP = 65507 - 100

func (s *service) ListenPacket(ctx context.Context, r *pb.ListenPacketRequest) (*pb.Packets, error) {
	i := s.instance
	a, err := i.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	var socket *packetSocket
	if r.GetLocal() != "" {
		socket, err = i.listenUDP(ctx, a.tunnel, r.GetLocal())
	} else {
		socket, err = i.listenDatagrams(ctx, a.tunnel, r)
	}
	if err != nil {
		return nil, err
	}
	l, err := a.tunnel.reserve(kindPackets, socket.address, true)
	if err != nil {
		socket.release(i)
		socket.linger()
		return nil, err
	}
	ticket, err := i.give(ctx, a, &offer{link: l, take: func(data *net.UnixConn) { socket.serve(l, data) }})
	if err != nil {
		socket.release(i)
		socket.linger()
		return nil, err
	}
	l.after(func() {
		socket.release(i)
		socket.linger()
	})
	return &pb.Packets{Ticket: ticket, Address: socket.address, MaxPayload: uint32(max(socket.conn.MaxPayload(), 0))}, nil
}

func (i *Instance) listenUDP(ctx context.Context, t *tunnel, address string) (*packetSocket, error) {
	address, err := i.mayListen(t, address)
	if err != nil {
		return nil, err
	}
	return t.packets(i, kindLocal, address, false, func() (PacketConn, string, error) {
		conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", withoutDNS(address))
		if err != nil {
			return nil, "", socketError(err, address, "")
		}
		return &udpSocket{conn.(*net.UDPConn)}, conn.LocalAddr().String(), nil
	})
}

// listenDatagrams binds a port of the tunnel's destination. Without the permission to dial it only answers.
func (i *Instance) listenDatagrams(ctx context.Context, t *tunnel, r *pb.ListenPacketRequest) (*packetSocket, error) {
	if err := i.permit(pb.Permission_LISTEN_I2P); err != nil {
		return nil, err
	}
	port, err := i2pPort(r.GetPort())
	if err != nil {
		return nil, err
	}
	kind := r.GetKind()
	if _, ok := pb.PacketKind_name[int32(kind)]; !ok {
		return nil, refuse(api.ErrInvalid, "there is no packet kind %d: use REPLIABLE, RAW, DATAGRAM2 or DATAGRAM3", kind)
	}
	dest, err := t.opened(ctx)
	if err != nil {
		return nil, err
	}
	address := dest.Address().Base32 + portSuffix(port)
	return t.packets(i, kindI2P, kind.String()+" "+address, i.permissions[pb.Permission_DIAL_I2P], func() (PacketConn, string, error) {
		conn, err := dest.ListenPacket(kind, port)
		return conn, address, err
	})
}

// DialPacket's socket belongs to its data connection and ends with it.
func (s *service) DialPacket(ctx context.Context, r *pb.DialPacketRequest) (*pb.Packets, error) {
	i := s.instance
	a, err := i.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	address, err := i.mayDial(a.tunnel, r.GetAddress())
	if err != nil {
		return nil, err
	}
	l, err := a.tunnel.reserve(kindPackets, address, false)
	if err != nil {
		return nil, err
	}
	conn, err := i.dialLocal(ctx, "udp", address, r.GetSource())
	if err != nil {
		l.end()
		return nil, err
	}
	if !l.own(conn) {
		return nil, errKilled
	}
	ticket, err := i.give(ctx, a, &offer{link: l, take: func(data *net.UnixConn) { servePeer(l, conn, data) }})
	if err != nil {
		return nil, err
	}
	return &pb.Packets{Ticket: ticket, Address: conn.LocalAddr().String(), MaxPayload: maxUDP}, nil
}

// servePeer joins a connected UDP socket with a data connection until that ends.
func servePeer(l *link, conn net.Conn, data *net.UnixConn) {
	defer l.end()
	if !l.own(data) {
		return
	}
	sink := newPacketSink(l, data)
	read := make(chan struct{})
	go func() {
		defer close(read)
		readPeer(conn, sink)
	}()
	sink.serve(func(_ string, payload []byte) bool {
		_, err := conn.Write(payload)
		return err == nil
	})
	_ = conn.Close()
	<-read
}

func readPeer(conn net.Conn, sink *packetSink) {
	buf := make([]byte, api.MaxFrame)
	for failed := 0; failed < acceptTries; {
		n, err := conn.Read(buf)
		switch {
		case err == nil:
			failed = 0
			if !sink.put("", buf[:n]) {
				sink.link.tunnel.packetsLost.Add(1)
			}
		case errors.Is(err, net.ErrClosed):
			return
		default: // nobody listens there (ICMP): the next packet may find somebody
			failed++
			<-time.After(acceptPause)
		}
	}
	sink.link.end()
}

// udpSocket is a bound local UDP socket.
type udpSocket struct{ conn *net.UDPConn }

func (u *udpSocket) ReadFrom(p []byte) (int, string, error) {
	n, from, err := u.conn.ReadFromUDPAddrPort(p)
	if err != nil {
		return n, "", err
	}
	return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()).String(), nil
}

func (u *udpSocket) WriteTo(_ context.Context, p []byte, to string) error {
	a, err := netip.ParseAddrPort(to)
	if err != nil {
		return err
	}
	_, err = u.conn.WriteToUDPAddrPort(p, a)
	return err
}

func (u *udpSocket) MaxPayload() int { return maxUDP }
func (u *udpSocket) Close() error    { return u.conn.Close() }

var _ PacketConn = (*udpSocket)(nil)
