package upstream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
)

// Numbers of RFC 1928 and RFC 1929.
const (
	socksVersion    = 5
	authVersion     = 1
	methodNone      = 0
	methodPassword  = 2
	methodsRefused  = 0xff
	commandConnect  = 1
	addressIPv4     = 1
	addressName     = 3
	addressIPv6     = 4
	replySucceeded  = 0
	replyNotAllowed = 2
)

// socksReplies are what a server says instead of "succeeded" (RFC 1928, section 6).
var socksReplies = map[byte]string{
	1: "general failure", replyNotAllowed: "not allowed by its rules", 3: "network unreachable", 4: "host unreachable",
	5: "connection refused", 6: "TTL expired", 7: "CONNECT not supported", 8: "address type not supported",
}

var errNotSOCKS = errors.New("answer is not of SOCKS version 5")

// socksGreet has a SOCKS5 proxy let us in, and socksConnect asks it for a connection. They read exactly what the proxy says, at most
// 262 bytes at once.
//
//	-> 5, methods           <- 5, method
//	-> 1, user, password    <- 1, status       (RFC 1929, if the proxy wants it)
//	-> 5, CONNECT, 0, peer  <- 5, reply, 0, address
func (d *Dialer) socksGreet(c net.Conn) error {
	methods := []byte{methodNone}
	if d.user != "" {
		methods = []byte{methodPassword} // not "none" as well: who has a password does not mean to go without
	}
	var b [2]byte
	if _, err := c.Write(append([]byte{socksVersion, byte(len(methods))}, methods...)); err != nil {
		return d.lost("ask for a method", err)
	}
	if _, err := io.ReadFull(c, b[:2]); err != nil {
		return d.lost("read the method", err)
	}
	switch {
	case b[0] != socksVersion:
		return d.lost("read the method", errNotSOCKS)
	case b[1] == methodsRefused && d.user == "":
		return fmt.Errorf("%w at %v wants a user and password: write socks5://user:password@address:port", ErrProxy, d.proxy)
	case b[1] == methodsRefused:
		return fmt.Errorf("%w at %v does not take user and password", ErrProxy, d.proxy)
	case b[1] != methods[0]:
		return d.lost("read the method", fmt.Errorf("method %d was not offered", b[1]))
	case b[1] == methodPassword:
		return d.authenticate(c)
	}
	return nil
}

func (d *Dialer) socksConnect(c net.Conn, to netip.AddrPort) error {
	request := []byte{socksVersion, commandConnect, 0, addressIPv4}
	if to.Addr().Is6() {
		request[3] = addressIPv6
	}
	request = append(append(request, to.Addr().AsSlice()...), byte(to.Port()>>8), byte(to.Port()))
	var b [maxCredential + 2]byte
	if _, err := c.Write(request); err != nil {
		return d.lost("ask for a connection", err)
	}
	if _, err := io.ReadFull(c, b[:4]); err != nil {
		return d.lost("read the reply", err)
	}
	if b[0] != socksVersion {
		return d.lost("read the reply", errNotSOCKS)
	}
	if reply := b[1]; reply != replySucceeded {
		return d.refused(reply)
	}
	n := 0
	switch b[3] {
	case addressIPv4:
		n = 4
	case addressIPv6:
		n = 16
	case addressName:
		if _, err := io.ReadFull(c, b[:1]); err != nil {
			return d.lost("read the reply", err)
		}
		n = int(b[0])
	default:
		return d.lost("read the reply", fmt.Errorf("address type %d", b[3]))
	}
	if _, err := io.ReadFull(c, b[:n+2]); err != nil { // where the proxy connects from: nothing to us
		return d.lost("read the reply", err)
	}
	return nil
}

func (d *Dialer) authenticate(c net.Conn) error {
	msg := append([]byte{authVersion, byte(len(d.user))}, d.user...)
	msg = append(append(msg, byte(len(d.password))), d.password...)
	if _, err := c.Write(msg); err != nil {
		return d.lost("send user and password", err)
	}
	var b [2]byte
	if _, err := io.ReadFull(c, b[:]); err != nil {
		return d.lost("read whether the password is right", err)
	}
	if b[0] != authVersion || b[1] != 0 {
		return fmt.Errorf("%w at %v refuses user or password: check both", ErrProxy, d.proxy)
	}
	return nil
}

// refused is the error for a reply. Those about the way to the peer are the peer's.
func (d *Dialer) refused(reply byte) error {
	what, ok := socksReplies[reply]
	if !ok {
		what = fmt.Sprintf("reply %d", reply)
	}
	switch reply {
	case replyNotAllowed, 7, 8:
		return fmt.Errorf("%w at %v: %s: allow connections to any address and port", ErrProxy, d.proxy, what)
	}
	return fmt.Errorf("%w: %s", ErrPeer, what)
}
