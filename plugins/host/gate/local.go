package gate

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// mayListen checks a local address to bind, and returns it as grants spell it.
func (i *Instance) mayListen(t *tunnel, address string) (string, error) {
	if err := i.permit(pb.Permission_LISTEN_LOCAL); err != nil {
		return "", err
	}
	key, err := hostPort(address)
	if err != nil {
		return "", refuse(api.ErrInvalid, "%v", err)
	}
	if !t.granted.Load().listen[key] {
		return "", i.notInSettings("listening on "+key, t.name, pb.SettingKind_LISTEN_ADDRESS)
	}
	return key, nil
}

// mayDial checks a local address to connect to.
func (i *Instance) mayDial(t *tunnel, address string) (string, error) {
	if err := i.permit(pb.Permission_DIAL_LOCAL); err != nil {
		return "", err
	}
	key, err := dialAddress(address)
	if err != nil {
		return "", refuse(api.ErrInvalid, "%v", err)
	}
	if !t.granted.Load().dial[key] {
		return "", i.notInSettings("connecting to "+key, t.name, pb.SettingKind_DIAL_ADDRESS)
	}
	host, _, _ := net.SplitHostPort(key)
	switch name := strings.TrimSuffix(host, "."); name[strings.LastIndexByte(name, '.')+1:] {
	case "i2p":
		return "", refuse(api.ErrInvalid, "%s is an I2P name: it is reached by Dial only", host)
	case "onion", "alt", "exit":
		return "", refuse(api.ErrInvalid, "%s is a name of another network, which the system's DNS must not be asked for: use an address", host)
	}
	return key, nil
}

// sources are what DialLocal may come from: a backend tells peers apart by them, and no packet with one leaves the machine, or
// the site.
var sources = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

// dialerFrom is a dialer with a source address, or ("") the system's choice. network is tcp or udp; the answer has the family.
func dialerFrom(network, source string) (*net.Dialer, string, error) {
	if source == "" {
		return new(net.Dialer), network, nil
	}
	a, err := netip.ParseAddr(source)
	if err != nil || a.Zone() != "" || !sources[0].Contains(a) && !sources[1].Contains(a) {
		return nil, "", refuse(api.ErrInvalid, "source %.50q: use an address of %s or %s", source, sources[0], sources[1])
	}
	d := new(net.Dialer)
	if network == "udp" {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
	} else {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
	}
	if a.Is4() {
		return d, network + "4", nil
	}
	return d, network + "6", nil
}

// dialLocal connects to an address that was granted. What its name leads to is on this machine or in its network, or else the
// plugin needs the permission to leave.
func (i *Instance) dialLocal(ctx context.Context, network, address, source string) (net.Conn, error) {
	d, network, err := dialerFrom(network, source)
	if err != nil {
		return nil, err
	}
	d.Control = func(_, to string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(to)
		if err != nil || !isPublic(a.Addr()) {
			return err
		}
		if own, err := net.InterfaceAddrs(); err == nil && isOwn(a.Addr(), own) {
			return nil
		}
		return i.permit(pb.Permission_DIAL_CLEARNET)
	}
	conn, err := d.DialContext(ctx, network, withoutDNS(address))
	if err != nil {
		return nil, socketError(err, address, source)
	}
	return conn, nil
}

// withoutDNS spells localhost so that nobody is asked for it.
func withoutDNS(address string) string {
	if port, ok := strings.CutPrefix(address, "localhost:"); ok {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

func listenLocal(ctx context.Context, address string) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", withoutDNS(address))
	if err != nil {
		return nil, socketError(err, address, "")
	}
	return ln, nil
}

// socketError says what a local address did, with the remedy.
func socketError(err error, address, source string) error {
	var dns *net.DNSError
	var timed net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return refuse(api.ErrRefused, "%s refused the connection: is the server running?", address)
	case errors.Is(err, syscall.ECONNRESET):
		return refuse(api.ErrRefused, "%s reset the connection", address)
	case errors.Is(err, syscall.EADDRINUSE):
		return refuse(api.ErrInUse, "%s is in use: another program, or another tunnel, listens there; stop it or use another port", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL) && source != "":
		return refuse(api.ErrInvalid, "source %s is no address of this machine: add it to the loopback device (ip address add %s dev lo)", source, source)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return refuse(api.ErrInvalid, "%s is no address of this machine", address)
	case errors.Is(err, os.ErrPermission):
		return refuse(api.ErrPermission, "the system does not let clove use %s: ports below 1024 need a privilege; use a higher one", address)
	case errors.As(err, &dns):
		return refuse(api.ErrUnknownHost, "the system knows no address of %s", address)
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timed) && timed.Timeout():
		return refuse(api.ErrNoAnswer, "%s does not answer", address)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return refuse(api.ErrNoAnswer, "there is no route to %s", address)
	case errors.Is(err, syscall.EINVAL) && source != "":
		return refuse(api.ErrInvalid, "%s cannot be reached from source %s", address, source)
	}
	return err
}

func (s *service) DialLocal(ctx context.Context, r *pb.DialLocalRequest) (*pb.Stream, error) {
	a, err := s.instance.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	address, err := s.instance.mayDial(a.tunnel, r.GetAddress())
	if err != nil {
		return nil, err
	}
	ctx, cancel := timeout(ctx, r.GetTimeoutMs())
	defer cancel()
	ticket, conn, err := s.instance.open(ctx, a, kindLocal, address, func(ctx context.Context, _ *link) (net.Conn, error) {
		return s.instance.dialLocal(ctx, "tcp", address, r.GetSource())
	})
	if err != nil {
		return nil, err
	}
	return &pb.Stream{Ticket: ticket, RemoteAddress: conn.RemoteAddr().String()}, nil
}
