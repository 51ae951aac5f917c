package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// A Packet is one datagram that arrived.
type Packet struct {
	// Data is the payload. It is valid until the next Read, and the reader may change it in place.
	Data []byte
	// From is the sender: IPv4 as IPv4 whatever the socket, IPv6 without a zone.
	From netip.AddrPort
	// Local is the address the packet was sent to, where the socket is bound to all addresses and the system tells
	// (Linux); otherwise the zero Addr.
	Local netip.Addr
}

// A Train is a row of datagrams to one address, in one slice.
type Train struct {
	To netip.AddrPort
	// Local is the address to send from, as in Packet.Local; the zero Addr leaves it to the system. It is a wish: an
	// address that the system no longer has is passed over.
	Local netip.Addr
	// Data is the datagrams, one behind the other, of Segment bytes each; the last may be shorter. Segment 0, or one
	// of at least len(Data), is a single datagram. Write only reads it.
	Data    []byte
	Segment int
	// Err is set by Write, to nil or to the first error of a datagram of the train; the others were sent. ErrTooLarge
	// is the one to look for; all others (no route, forbidden by a firewall) say that nothing reaches that address now.
	Err error
}

var (
	// ErrTooLarge is that of a datagram larger than the interface takes; errors.Is finds syscall.EMSGSIZE in it.
	ErrTooLarge = fmt.Errorf("udp: datagram larger than the path takes: %w", syscall.EMSGSIZE)
	// ErrMode is that of Listen when Options.Mode asks for what the system does not have.
	ErrMode = errors.New("udp: mode not available on this system")
)

// Mode is how a socket moves packets.
type Mode uint8

// Modes. Auto is the best that works; the others are for tests and benchmarks and fail where they do not work.
const (
	Auto    Mode = iota
	Plain        // one packet per system call
	Batched      // recvmmsg and sendmmsg
	Offload      // and UDP_GRO and UDP_SEGMENT
)

// Options of Listen. The zero value is right for a router.
type Options struct {
	Mode Mode
	// IPv6Only keeps a socket of [::] from taking IPv4 as well.
	IPv6Only bool
	// ReadBuffer and WriteBuffer are the kernel's buffers in bytes; 0 for 4 MiB.
	ReadBuffer, WriteBuffer int
}

// engine moves packets in one of the modes. read returns at least one packet or an error; write's error is of the whole
// socket.
type engine interface {
	read([]Packet) (int, error)
	write([]Train) error
	features() []string
}

// A Socket is a bound UDP socket. Its errors after Close unwrap to net.ErrClosed.
type Socket struct {
	conn   *net.UDPConn
	local  netip.AddrPort
	engine engine
	tuning tuning
	counts counts
}

// Listen binds a socket. An address of [::] takes IPv4 too, unless IPv6Only; port 0 is one that the system chooses.
func Listen(at netip.AddrPort, o Options) (*Socket, error) {
	network := "udp4"
	if at.Addr().Is6() && !at.Addr().Is4In6() {
		network = "udp6"
		if at.Addr().IsUnspecified() && !o.IPv6Only {
			network = "udp"
		}
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("udp: listen on %s: %w", at, err)
	}
	s := &Socket{conn: conn, local: unmap(conn.LocalAddr().(*net.UDPAddr).AddrPort())}
	if err := s.setup(network, o); err != nil {
		conn.Close()
		return nil, fmt.Errorf("udp: listen on %s: %w", at, err)
	}
	return s, nil
}

// LocalAddr is the address the socket is bound to, with the port that the system chose.
func (s *Socket) LocalAddr() netip.AddrPort { return s.local }

// Close closes the socket and ends a Read that waits.
func (s *Socket) Close() error { return s.conn.Close() }

// unmap makes an IPv4 address of a 4-in-6 address and drops the zone.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
