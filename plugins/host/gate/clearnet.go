package gate

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// clearnet dials out of I2P. A name is resolved once, and the connection is made to an address that was checked.
type clearnet struct {
	resolver Resolver
	allowed  []netip.AddrPort
	connect  func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	own      func() ([]net.Addr, error) // the addresses of this machine
}

func newClearnet(cfg Config) clearnet {
	c := clearnet{resolver: cfg.Resolver, allowed: cfg.AllowClearnet, connect: cfg.Connect, own: net.InterfaceAddrs}
	if c.resolver == nil {
		c.resolver = absolute{net.DefaultResolver}
	}
	if c.connect == nil {
		c.connect = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", to.String())
		}
	}
	return c
}

// absolute asks for names as they are: the system's search list would tell them to its own domains.
type absolute struct{ *net.Resolver }

// LookupNetIP is net.Resolver's.
func (a absolute) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return a.Resolver.LookupNetIP(ctx, network, strings.TrimSuffix(host, ".")+".")
}

// dial connects to host:port. Errors wrap api.ErrPermission (no address is public), api.ErrUnknownHost, api.ErrRefused,
// api.ErrNoAnswer.
func (c *clearnet) dial(ctx context.Context, host string, port uint16) (net.Conn, error) {
	addresses, err := c.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	good, err := c.public(addresses, port)
	if err != nil {
		return nil, err
	}
	good = good[:min(len(good), maxClearnetAddresses)]
	for n, a := range good {
		var conn net.Conn
		if conn, err = c.try(ctx, netip.AddrPortFrom(a, port), len(good)-n); err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, socketError(err, net.JoinHostPort(host, strconv.Itoa(int(port))), "")
}

// try connects within the share of the time that is left for one of several addresses.
func (c *clearnet) try(ctx context.Context, to netip.AddrPort, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return c.connect(ctx, to)
}

func (c *clearnet) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if err := clearnetName(host); err != nil {
		return nil, err
	}
	addresses, err := c.resolver.LookupNetIP(ctx, "ip", host)
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return nil, err
	case errors.As(err, &dns) && dns.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		return nil, refuse(api.ErrNoAnswer, "the DNS does not answer for %s", host)
	case err != nil || len(addresses) == 0:
		return nil, refuse(api.ErrUnknownHost, "the DNS knows no address of %s", host)
	}
	return addresses, nil
}

// clearnetName refuses what must not reach the DNS: names of other networks, and those that only a local network knows.
func clearnetName(host string) error {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case len(name) == 0 || len(name) > 253 || strings.ContainsFunc(name, notInName),
		strings.Trim(last, "0123456789") == "", strings.HasPrefix(last, "0x"): // some resolvers read 127.1 and 0x7f000001 as addresses
		return refuse(api.ErrInvalid, "%.80q is no host name", host)
	case slices.Contains([]string{"i2p", "onion", "alt"}, last):
		return refuse(api.ErrInvalid, "%s is not a clearnet name", host)
	case last == name || slices.Contains([]string{"localhost", "local", "internal", "localdomain", "lan", "home", "corp"}, last) || strings.HasSuffix(name, ".home.arpa"):
		return refuse(api.ErrPermission, "%s is not a public address: DialClearnet reaches the internet only", host)
	}
	return nil
}

func notInName(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_')
}

// public are those of the addresses that may be dialled.
func (c *clearnet) public(addresses []netip.Addr, port uint16) ([]netip.Addr, error) {
	own, err := c.own()
	if err != nil {
		return nil, err
	}
	var good []netip.Addr
	for _, a := range addresses {
		a = a.Unmap()
		if slices.Contains(c.allowed, netip.AddrPortFrom(a, port)) || isPublic(a) && !isOwn(a, own) {
			good = append(good, a)
		}
	}
	if len(good) == 0 {
		return nil, refuse(api.ErrPermission, "it is not a public address: DialClearnet reaches the internet only, never this machine or its network")
	}
	return good, nil
}

// isOwn: a public address of this machine is a way around its firewall.
func isOwn(a netip.Addr, own []net.Addr) bool {
	return slices.ContainsFunc(own, func(o net.Addr) bool {
		p, err := netip.ParsePrefix(o.String())
		return err == nil && p.Addr().Unmap().WithZone("") == a
	})
}

func (s *service) DialClearnet(ctx context.Context, r *pb.DialClearnetRequest) (*pb.Stream, error) {
	i := s.instance
	a, err := i.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	if err := i.permit(pb.Permission_DIAL_CLEARNET); err != nil {
		return nil, err
	}
	address, err := hostPort(r.GetAddress())
	if err != nil {
		return nil, refuse(api.ErrInvalid, "%v", err)
	}
	host, text, _ := net.SplitHostPort(address)
	number, _ := strconv.ParseUint(text, 10, 16)
	port := uint16(number)
	if !a.tunnel.granted.Load().port(port) {
		return nil, i.notInSettings("clearnet port "+text, a.tunnel.name, pb.SettingKind_CLEARNET_PORTS)
	}
	ctx, cancel := timeout(ctx, r.GetTimeoutMs())
	defer cancel()
	ticket, conn, err := i.open(ctx, a, kindClearnet, address, func(ctx context.Context, _ *link) (net.Conn, error) {
		return i.gate.clearnet.dial(ctx, host, port)
	})
	if errors.Is(err, api.ErrPermission) {
		i.gate.denials.add(i.plugin, "clearnet-address")
	}
	if err != nil {
		return nil, err
	}
	return &pb.Stream{Ticket: ticket, RemoteAddress: conn.RemoteAddr().String()}, nil
}
