package udp

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// writer is sendmmsg; a train is as few messages as it fits in, if UDP_SEGMENT works, and otherwise a message for each
// packet.
type writer struct {
	s    *Socket
	raw  syscall.RawConn
	v6   bool // family of the socket
	gso  atomic.Bool
	info bool

	mu      sync.Mutex
	msgs    []unix.Mmsghdr
	iovs    []unix.Iovec
	names   []unix.RawSockaddrInet6
	control []byte // controlOut for each
	parts   []part
	n       int // messages filled in

	call        func(fd uintptr) bool
	first, last int // messages to send
	sent        int
	errno       syscall.Errno
	send        func(fd uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno) // sendmmsg
}

// spare is the message with which another is tried again.
const spare = writeBatch

// part is the piece of a train that is one message.
type part struct {
	train   *Train
	data    []byte
	segment int // 0: one packet
}

func newWriter(s *Socket, raw syscall.RawConn, v6, gso, info bool) *writer {
	w := &writer{
		s: s, raw: raw, v6: v6, info: info, send: sendmmsg,
		msgs: make([]unix.Mmsghdr, spare+1), iovs: make([]unix.Iovec, spare+1),
		names: make([]unix.RawSockaddrInet6, spare+1), control: make([]byte, (spare+1)*controlOut),
		parts: make([]part, spare+1),
	}
	w.gso.Store(gso)
	for i := range w.msgs {
		h := &w.msgs[i].Hdr
		h.Name = (*byte)(unsafe.Pointer(&w.names[i]))
		h.Iov = &w.iovs[i]
		h.SetIovlen(1)
	}
	w.call = w.transmit
	return w
}

func (w *writer) write(trains []Train) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.release()
	for i := range trains {
		t := &trains[i]
		t.Err = nil
		for rest := t.Data; len(rest) > 0; {
			var p part
			p, rest = w.piece(t, rest)
			if !w.fill(w.n, p, t.Local) {
				t.Err = syscall.EAFNOSUPPORT
				break
			}
			if w.n++; w.n == writeBatch {
				if err := w.flush(); err != nil {
					return err
				}
			}
		}
	}
	return w.flush()
}

// release lets go of the trains.
func (w *writer) release() {
	w.n = 0
	for i := range w.parts {
		w.parts[i] = part{}
		w.iovs[i].Base = nil
	}
}

// piece cuts off what goes as one message.
func (w *writer) piece(t *Train, rest []byte) (p part, more []byte) {
	n := 1
	if t.Segment > 0 && t.Segment < len(rest) && w.gso.Load() {
		n = min(maxSegments, maxOffload/t.Segment)
	}
	if n < 2 {
		one, more := t.cut(rest)
		return part{train: t, data: one}, more
	}
	size := min(n*t.Segment, len(rest))
	return part{train: t, data: rest[:size], segment: t.Segment}, rest[size:]
}

// fill makes message i of a part; false if the socket cannot send to its address.
func (w *writer) fill(i int, p part, from netip.Addr) bool {
	h := &w.msgs[i].Hdr
	h.Namelen = setAddress(&w.names[i], p.train.To, w.v6)
	if h.Namelen == 0 {
		return false
	}
	w.iovs[i].Base = &p.data[0]
	w.iovs[i].SetLen(len(p.data))
	c := w.control[i*controlOut : i*controlOut : (i+1)*controlOut]
	if w.info && from.IsValid() && from.Unmap().Is4() == p.train.To.Addr().Unmap().Is4() {
		c = appendSource(c, from, w.v6)
	}
	if p.segment > 0 {
		c = appendSegment(c, p.segment)
	}
	h.Control = nil
	if len(c) > 0 {
		h.Control = &c[0]
	}
	h.SetControllen(len(c))
	w.parts[i] = p
	return true
}

// flush sends what is filled in.
func (w *writer) flush() error {
	n := w.n
	w.n = 0
	for first := 0; first < n; {
		errno, err := w.transfer(first, n)
		if err != nil {
			return err
		}
		first += w.sent
		if errno != 0 {
			if err := w.again(w.parts[first], errno); err != nil { // it was of the message that is first now
				return err
			}
			first++
		}
	}
	return nil
}

// transfer sends messages first to last-1 up to one that is refused; w.sent is how many went.
func (w *writer) transfer(first, last int) (syscall.Errno, error) {
	w.first, w.last = first, last
	if err := w.raw.Write(w.call); err != nil {
		return 0, err
	}
	for _, p := range w.parts[first : first+w.sent] {
		packets := 1
		if p.segment > 0 {
			packets = (len(p.data) + p.segment - 1) / p.segment
		}
		w.s.counts.written.Add(uint64(packets))
	}
	return w.errno, nil
}

// transmit is one call; false makes the runtime wait until the kernel's buffer has room.
func (w *writer) transmit(fd uintptr) bool {
	w.sent, w.errno = w.send(fd, w.msgs[w.first:w.last])
	if w.errno == syscall.EAGAIN {
		return false
	}
	w.s.counts.writes.Add(1)
	return true
}

func sendmmsg(fd uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&msgs[0])), uintptr(len(msgs)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
