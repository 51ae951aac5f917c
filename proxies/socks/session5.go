package socks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/netip"
	"time"

	socks5 "github.com/armon/go-socks5"

	"clove.i2p/proxies"
	"clove.i2p/proxies/relay"
)

// Reply codes of SOCKS 5, RFC 1928 section 6.
const (
	reply5Success     = 0
	reply5General     = 1
	reply5NotAllowed  = 2
	reply5Network     = 3
	reply5Host        = 4
	reply5Refused     = 5
	reply5Expired     = 6
	reply5Command     = 7
	reply5AddressType = 8
)

// replyCode tells the client as much as SOCKS can say.
func replyCode(err error, v6 bool) byte {
	var refused *proxies.RefusedError
	if v6 && errors.As(err, &refused) && refused.Why != proxies.ByRule {
		return reply5AddressType
	}
	switch proxies.Classify(err) {
	case proxies.ReasonRefused, proxies.ReasonOutproxyRefused, proxies.ReasonExitProhibited:
		return reply5NotAllowed
	case proxies.ReasonNotReady, proxies.ReasonOutproxyDown:
		return reply5Network
	case proxies.ReasonUnknownHost, proxies.ReasonNoLeaseSet, proxies.ReasonExitDown, proxies.ReasonExitName:
		return reply5Host
	case proxies.ReasonNoAnswer, proxies.ReasonExitConnection:
		return reply5Refused
	case proxies.ReasonTimeout, proxies.ReasonExitTimeout:
		return reply5Expired
	default:
		return reply5General
	}
}

// Methods of authentication.
const (
	methodNone         = 0
	methodPassword     = 2
	methodUnacceptable = 0xff
)

// session5 is one connection while go-socks5 shakes hands on it. It is the net.Conn, the rules, the resolver and the
// credential store that the library sees, and covers from outside what the library lacks:
//
//   - Read gives one byte at a time, so that no data of the client beyond the request ends up in its buffer;
//   - the resolver does nothing (its default would ask the system's DNS for every name);
//   - the methods are replayed with password first, if the client offered it: the library takes the first that it
//     knows, and curl and Firefox offer none first, which would switch isolation off;
//   - Write puts the reply code right, which the library guesses from the error's text;
//   - UDP ASSOCIATE, which it does not know, is opened in Allow, and the "unknown command" that it writes then becomes a
//     success;
//   - Dial keeps the stream and hands over an empty one, so that the library's own copying, which has no limits and
//     panics on addresses that are not TCP's, ends at once. proxies.Relay comes after it.
type session5 struct {
	*proxies.Client
	s   *Server
	ctx context.Context // of the connection: the library's Dial gets no other

	request socks5.AddrSpec
	who     proxies.Credentials
	denied  bool

	stream net.Conn
	udp    *association
	err    error
}

func (s *Server) serve5(ctx context.Context, c *proxies.Client) {
	method, err := chooseMethod(c, s.guard.Required())
	if err != nil {
		return
	}
	c.Unread(5, 1, method)
	x := &session5{Client: c, s: s, ctx: ctx}
	library, err := socks5.New(&socks5.Config{
		AuthMethods: []socks5.Authenticator{
			socks5.NoAuthAuthenticator{}, socks5.UserPassAuthenticator{Credentials: x},
		},
		Resolver: x,
		Rules:    x,
		Dial:     x.dial,
		Logger:   log.New(io.Discard, "", 0),
	})
	if err != nil {
		return
	}
	err = library.ServeConn(x)
	switch {
	case x.stream != nil && err == nil:
		s.relay(ctx, c, x.stream)
		return
	case x.stream != nil: // the client did not take the reply
		_ = x.stream.Close()
		return
	case x.udp != nil:
		defer s.packets.leave(x.udp.client)
		if err == nil {
			x.udp.run(ctx, c)
		}
		x.udp.close()
		return
	case x.err != nil:
		s.fail(proxies.Classify(x.err))
	case method == methodUnacceptable || x.denied:
		s.fail(proxies.ReasonUnauthorized)
	default: // not a request, or one for BIND, RESOLVE, or UDP ASSOCIATE where there are no packets
		s.fail(proxies.ReasonBadRequest)
	}
	relay.Drain(c)
}

// chooseMethod reads the greeting behind the version byte.
func chooseMethod(c *proxies.Client, required bool) (byte, error) {
	n, err := c.ReadByte()
	if err != nil {
		return 0, err
	}
	offered := make([]byte, n)
	for i := range offered {
		if offered[i], err = c.ReadByte(); err != nil {
			return 0, err
		}
	}
	switch {
	case bytes.IndexByte(offered, methodPassword) >= 0:
		return methodPassword, nil
	case bytes.IndexByte(offered, methodNone) >= 0 && !required:
		return methodNone, nil
	default:
		return methodUnacceptable, nil
	}
}

// Valid is the library's credential store.
func (x *session5) Valid(user, password string) bool {
	x.denied = x.s.guard.Password(x.ctx, clientOf(x.Client).String(), user, password) != nil
	x.who = proxies.Credentials{User: user, Password: password, Verified: x.s.guard.Required() && !x.denied}
	return !x.denied
}

// Resolve is the library's resolver: the name goes to the Dialer as it is.
func (x *session5) Resolve(ctx context.Context, _ string) (context.Context, net.IP, error) {
	return ctx, nil, nil
}

// Allow is the library's rule set. It only takes note; dial decides, because a rule has but one reply code.
func (x *session5) Allow(ctx context.Context, r *socks5.Request) (context.Context, bool) {
	x.request = *r.DestAddr
	if r.Command == socks5.AssociateCommand && x.s.cfg.Packets != nil {
		x.s.counters.Request()
		x.udp, x.err = x.s.associate(x.ctx, x.Client, x.who, x.request.Port)
	}
	return ctx, true
}

// clientOf is the zero Addr for what is no TCP connection.
func clientOf(c net.Conn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (x *session5) dial(context.Context, string, string) (net.Conn, error) {
	x.s.counters.Request()
	host := x.request.FQDN
	if len(x.request.IP) > 0 {
		host = x.request.IP.String()
	}
	x.stream, x.err = x.s.open(x.ctx, x.Client, host, x.request.Port, x.who)
	if x.err != nil {
		return nil, x.err
	}
	return ended{}, nil
}

func (x *session5) Read(p []byte) (int, error) {
	if x.stream != nil || x.udp != nil || len(p) == 0 {
		return 0, io.EOF
	}
	b, err := x.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// WriteTo ends the library's copying towards the stream.
func (x *session5) WriteTo(io.Writer) (int64, error) { return 0, nil }

func (x *session5) Write(p []byte) (int, error) {
	if x.udp != nil && len(p) >= 10 && p[0] == 5 && p[1] == reply5Command {
		p = appendAddress([]byte{5, reply5Success, 0}, x.udp.address())
	}
	if x.err != nil && len(p) >= 10 && p[0] == 5 && p[1] != reply5Success {
		p = bytes.Clone(p)
		p[1] = replyCode(x.err, len(x.request.IP) == net.IPv6len)
	}
	_ = x.SetWriteDeadline(time.Now().Add(replyTime))
	return x.Client.Write(p)
}

// CloseWrite and Close are the library's. The connection is closed by whoever owns it.
func (x *session5) CloseWrite() error { return nil }
func (x *session5) Close() error      { return nil }

// ended is a stream on which nothing comes and everything is lost.
type ended struct{ net.Conn }

func (ended) Read([]byte) (int, error)    { return 0, io.EOF }
func (ended) Write(p []byte) (int, error) { return len(p), nil }
func (ended) Close() error                { return nil }

// LocalAddr has to be TCP's with an IPv4 address: the library asserts it, and puts it into the reply.
func (ended) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }
