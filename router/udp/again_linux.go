package udp

import (
	"net/netip"
	"syscall"
)

// again tries what can be tried with a message that the kernel refused, and says in its train what is left of the error.
//
//   - An address to send from that the system no longer has: without it.
//   - A row (UDP_SEGMENT): packet by packet. EIO is that of a network card, or of IPsec, without offload. EINVAL has
//     several reasons, of which one is a segment beyond the MTU: then its packets are refused too, and offload is not to
//     blame. Where it is, offload is off from now on, because nothing tells the routes apart.
//   - An error that an earlier packet left on the socket, or a short want of memory: once more.
func (w *writer) again(p part, errno syscall.Errno) (err error) {
	if p.segment == 0 {
		if errno != syscall.EMSGSIZE {
			errno, err = w.alone(p)
		}
		w.report(p.train, errno)
		return err
	}
	if p.train.Local.IsValid() && sourceRefused(errno) {
		if errno, err = w.try(p, netip.Addr{}); err != nil || errno == 0 {
			return err
		}
	}
	w.s.counts.offloadRefused.Add(1)
	all := true
	for rest := p.data; len(rest) > 0; {
		one := part{train: p.train}
		one.data, rest = p.train.cut(rest)
		e, err := w.alone(one)
		if err != nil {
			return err
		}
		w.report(p.train, e)
		all = all && e == 0
	}
	if errno == syscall.EIO || errno == syscall.EINVAL && all {
		w.gso.Store(false)
	}
	return nil
}

// alone sends one packet by all means.
func (w *writer) alone(p part) (syscall.Errno, error) {
	local := p.train.Local
	errno, err := w.try(p, local)
	if err == nil && local.IsValid() && sourceRefused(errno) {
		local = netip.Addr{}
		errno, err = w.try(p, local)
	}
	if err == nil && passing(errno) {
		errno, err = w.try(p, local)
	}
	return errno, err
}

// try sends a message once.
func (w *writer) try(p part, local netip.Addr) (syscall.Errno, error) {
	w.fill(spare, p, local)
	return w.transfer(spare, spare+1)
}

// report notes the first error of a train.
func (w *writer) report(t *Train, errno syscall.Errno) {
	var err error
	switch errno {
	case 0:
		return
	case syscall.EMSGSIZE:
		w.s.counts.tooLarge.Add(1)
		err = ErrTooLarge
	default:
		w.s.counts.writeErrors.Add(1)
		err = errno
	}
	if t.Err == nil {
		t.Err = err
	}
}

// sourceRefused reports whether an error may be that of the address to send from.
func sourceRefused(errno syscall.Errno) bool {
	return errno == syscall.EINVAL || errno == syscall.EADDRNOTAVAIL || errno == syscall.ENETUNREACH
}
