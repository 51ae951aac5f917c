package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// A Dialer opens TCP connections through one proxy. It is safe for concurrent use.
type Dialer struct {
	proxy    netip.AddrPort
	greet    func(c net.Conn) error
	connect  func(c net.Conn, to netip.AddrPort) error
	scheme   string
	user     string
	password string
}

// The errors that callers tell apart.
var (
	// ErrProxy is wrapped by every error about the proxy, and none about the peer: it is down, or it refuses us. It has a method
	// OurOwn, by which router/transport knows that the peer is not to blame.
	ErrProxy error = proxyError{}
	// ErrPeer is wrapped where the proxy says that it cannot reach the peer.
	ErrPeer = errors.New("the proxy cannot reach the peer")
	// ErrSilent is wrapped where it took the request and says nothing in time: one of the two does not answer.
	ErrSilent = errors.New("the proxy says nothing of the peer")
)

type proxyError struct{}

func (proxyError) Error() string { return "the proxy" }
func (proxyError) OurOwn() bool  { return true }

// New returns a Dialer for a proxy:
//
//	socks5://[user:password@]host:port
//	http://[user:password@]host:port
//
// The host is an IP address or "localhost", which stands for 127.0.0.1: no name is resolved. User and password are at most
// 255 bytes each. The error says which part is wrong, and holds no password.
func New(proxy string) (*Dialer, error) {
	u, err := url.Parse(proxy)
	if err != nil { // the error of url.Parse quotes all of it
		return nil, errors.New("upstream: proxy is no URL: write socks5://address:port or http://address:port")
	}
	d := &Dialer{scheme: u.Scheme}
	switch u.Scheme {
	case "socks5":
		d.greet, d.connect = d.socksGreet, d.socksConnect
	case "http":
		d.greet, d.connect = func(net.Conn) error { return nil }, d.httpConnect
	default:
		return nil, fmt.Errorf("upstream: proxy of kind %q: it is socks5 or http", u.Scheme)
	}
	if u.Opaque != "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, errors.New("upstream: nothing may follow the port of the proxy")
	}
	host := u.Hostname()
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.IsUnspecified() || ip.IsMulticast() {
		return nil, fmt.Errorf("upstream: proxy host %q: it must be an IP address or localhost, as names are not resolved", u.Hostname())
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return nil, fmt.Errorf("upstream: proxy port %q: it must be within 1..65535", u.Port())
	}
	d.proxy = netip.AddrPortFrom(ip.Unmap(), uint16(port))
	if u.User != nil {
		d.user = u.User.Username()
		d.password, _ = u.User.Password()
		if d.user == "" || len(d.user) > maxCredential || len(d.password) > maxCredential {
			return nil, errors.New("upstream: proxy user must have 1 to 255 bytes, password at most 255")
		}
		if d.scheme == "socks5" && d.password == "" {
			return nil, errors.New("upstream: proxy user without password: write socks5://user:password@address:port")
		}
	}
	return d, nil
}

// Dial connects to a peer through the proxy; never without it. local, if valid, is the source address for the connection to the
// proxy, unless it is of the other IP version. It fits ntcp2.Deps.Dial. The errors wrap ErrProxy, ErrPeer or ErrSilent, as does
// the end of the time, unless ctx was cancelled.
func (d *Dialer) Dial(ctx context.Context, local netip.Addr, to netip.AddrPort) (net.Conn, error) {
	to = netip.AddrPortFrom(to.Addr().Unmap().WithZone(""), to.Port())
	if !to.IsValid() || to.Port() == 0 {
		return nil, errors.New("upstream: peer without address")
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	nd := net.Dialer{KeepAlive: -1}
	if local = local.Unmap(); local.IsValid() && local.Is4() == d.proxy.Addr().Is4() && !d.proxy.Addr().IsLoopback() {
		nd.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	conn, err := nd.DialContext(ctx, "tcp", d.proxy.String())
	if err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, fmt.Errorf("upstream: %w", context.Cause(ctx))
		}
		return nil, fmt.Errorf("upstream: %w at %v does not answer; is it running? %w", ErrProxy, d.proxy, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	asked := false
	if err = d.greet(conn); err == nil {
		asked = true
		err = d.connect(conn, to)
	}
	if !stop() { // the deadline may be set any time from now on
		err = errors.Join(err, ctx.Err())
	}
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(ctx.Err(), context.Canceled):
		err = context.Cause(ctx)
	case ctx.Err() != nil && asked: // it waits for the peer, most likely; Tor for longer than we do
		err = fmt.Errorf("%w in time: %w", ErrSilent, context.Cause(ctx))
	case ctx.Err() != nil:
		err = fmt.Errorf("%w at %v did not answer in time: %w", ErrProxy, d.proxy, context.Cause(ctx))
	}
	conn.Close()
	return nil, fmt.Errorf("upstream: %w", err)
}

// String is the proxy without user and password.
func (d *Dialer) String() string { return d.scheme + "://" + d.proxy.String() }

// lost is the error for a proxy that goes away or does not speak the protocol.
func (d *Dialer) lost(what string, err error) error {
	return fmt.Errorf("%w at %v: %s: %w; is it a %s proxy?", ErrProxy, d.proxy, what, err, d.scheme)
}
