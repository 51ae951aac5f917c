package udp

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reader is recvmmsg with a buffer for each message. With UDP_GRO a message is a row of packets of one sender.
type reader struct {
	s    *Socket
	raw  syscall.RawConn
	gro  bool
	info bool

	msgs    []unix.Mmsghdr
	iovs    []unix.Iovec
	names   []unix.RawSockaddrInet6 // has room for an IPv4 one
	control []byte                  // controlIn for each
	data    []byte                  // size for each
	size    int

	got, next int // messages of the last call, and which comes next
	rest      row // what is left of the one before next

	call  func(fd uintptr) bool
	errno syscall.Errno
}

// row is packets of one sender in one slice.
type row struct {
	data    []byte
	segment int
	from    netip.AddrPort
	local   netip.Addr
}

// take cuts the first packet off.
func (r *row) take() (p Packet, ok bool) {
	if len(r.data) == 0 {
		return p, false
	}
	n := len(r.data)
	if r.segment > 0 {
		n = min(n, r.segment)
	}
	p = Packet{Data: r.data[:n:n], From: r.from, Local: r.local}
	r.data = r.data[n:]
	return p, true
}

func newReader(s *Socket, raw syscall.RawConn, gro, info bool) *reader {
	count, size := BatchSize, MaxPacket+1
	if gro {
		count, size = rows, rowSize
	}
	r := &reader{
		s: s, raw: raw, gro: gro, info: info, size: size,
		msgs: make([]unix.Mmsghdr, count), iovs: make([]unix.Iovec, count),
		names: make([]unix.RawSockaddrInet6, count), control: make([]byte, count*controlIn), data: make([]byte, count*size),
	}
	for i := range r.msgs {
		r.iovs[i].Base = &r.data[i*size]
		r.iovs[i].SetLen(size)
		h := &r.msgs[i].Hdr
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Control = &r.control[i*controlIn]
		r.rearm(i)
	}
	r.call = r.receive
	return r
}

// rearm sets back what the kernel wrote into a header.
func (r *reader) rearm(i int) {
	h := &r.msgs[i].Hdr
	h.Namelen = unix.SizeofSockaddrInet6
	h.SetControllen(controlIn)
	h.Flags = 0
}

func (r *reader) read(packets []Packet) (int, error) {
	for {
		if n := r.give(packets); n > 0 {
			return n, nil
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// give hands out what is there.
func (r *reader) give(packets []Packet) (n int) {
	for n < len(packets) {
		if p, ok := r.rest.take(); ok {
			packets[n] = p
			n++
			continue
		}
		if r.next == r.got {
			break
		}
		r.rest = r.message(r.next)
		r.next++
	}
	return n
}

// message makes a row of a message; an empty one if it is of no use.
func (r *reader) message(i int) row {
	h := &r.msgs[i].Hdr
	c := parseControl(r.control[i*controlIn : i*controlIn+int(h.Controllen)])
	n := int(r.msgs[i].Len)
	longest := n
	if c.segment > 0 {
		longest = min(n, c.segment)
	}
	// Without its control message a row cannot be cut.
	if h.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || longest > MaxPacket {
		r.s.counts.truncated.Add(1)
		return row{}
	}
	return row{data: r.data[i*r.size : i*r.size+n], segment: c.segment, from: address(&r.names[i]), local: c.local}
}

// fill waits for the next messages.
func (r *reader) fill() error {
	for i := range r.got {
		r.rearm(i)
	}
	r.got, r.next = 0, 0
	for {
		if err := r.raw.Read(r.call); err != nil {
			return err
		}
		switch {
		case r.errno == 0:
			return nil
		case !passing(r.errno):
			return r.errno
		}
		r.s.counts.readErrors.Add(1)
	}
}

// receive is one call; false makes the runtime wait until the socket is readable.
func (r *reader) receive(fd uintptr) bool {
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.msgs[0])), uintptr(len(r.msgs)), 0, 0, 0)
	if errno == syscall.EAGAIN {
		return false
	}
	r.s.counts.reads.Add(1)
	r.errno = errno
	if errno == 0 {
		r.got = int(n)
	}
	return true
}
