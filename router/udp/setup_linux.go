package udp

import (
	"cmp"
	"syscall"

	"golang.org/x/sys/unix"
)

// setup finds out what the kernel offers and makes the engine.
func (s *Socket) setup(network string, o Options) error {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	v6 := network != "udp4"
	var batches, gso, gro, info bool
	err = raw.Control(func(fd uintptr) {
		f := int(fd)
		s.tuning.readBuffer = setBuffer(f, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, cmp.Or(o.ReadBuffer, bufferSize))
		s.tuning.writeBuffer = setBuffer(f, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, cmp.Or(o.WriteBuffer, bufferSize))
		s.tuning.dontFragment = setProbe(f, v6)
		if o.Mode == Plain {
			return
		}
		batches = hasBatches(fd)
		if batches && s.local.Addr().IsUnspecified() {
			info = setPacketInfo(f, v6)
		}
		if !batches || o.Mode == Batched {
			return
		}
		_, err := unix.GetsockoptInt(f, unix.SOL_UDP, unix.UDP_SEGMENT)
		gso = err == nil
		gro = unix.SetsockoptInt(f, unix.SOL_UDP, unix.UDP_GRO, 1) == nil
	})
	switch {
	case err != nil:
		return err
	case o.Mode == Batched && !batches, o.Mode == Offload && !(gso && gro):
		return ErrMode
	case !batches:
		s.engine = newPlain(s)
		return nil
	}
	s.engine = &batch{reader: newReader(s, raw, gro, info), writer: newWriter(s, raw, v6, gso, info)}
	return nil
}

// batch is the engine of Batched and Offload.
type batch struct {
	*reader
	*writer
}

func (b *batch) features() []string {
	words := []string{"batch"}
	if b.gso.Load() {
		words = append(words, "gso")
	}
	if b.gro {
		words = append(words, "gro")
	}
	if b.reader.info {
		words = append(words, "pktinfo")
	}
	return words
}

// setBuffer asks for a buffer, beyond the limit of the system if we may, and returns what was granted.
func setBuffer(fd, force, option, size int) int {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, size)
	}
	got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
	if err != nil {
		return 0
	}
	return got / 2 // the kernel says what it keeps, twice of what is for data
}

// setProbe forbids fragments, and forbids the kernel to keep a path MTU of its own: what ICMP says may come from
// anyone, and would be an error of a packet that we send in order to find out.
func setProbe(fd int, v6 bool) bool {
	ok := true
	if v6 {
		ok = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE) == nil
	}
	// On an IPv6 socket this is for IPv4 in it.
	err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
	return ok && (v6 || err == nil)
}

// setPacketInfo asks for the address that a packet was sent to. On a socket of all addresses a reply would otherwise
// leave from the one that the route prefers: on a host with several, the peer would see it come from a stranger.
func setPacketInfo(fd int, v6 bool) bool {
	if v6 {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1) == nil
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1) == nil
}

// hasBatches tries both calls with no messages: some sandboxes know neither.
func hasBatches(fd uintptr) bool {
	for _, call := range [...]uintptr{unix.SYS_RECVMMSG, unix.SYS_SENDMMSG} {
		_, _, errno := unix.Syscall6(call, fd, 0, 0, unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 && errno != syscall.EAGAIN {
			return false
		}
	}
	return true
}
