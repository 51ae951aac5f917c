//go:build linux

package natlab

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Forget empties the edge's table of connections, as a NAT box does that restarts.
func (h *Host) Forget() error { return h.edge.do(flushConntrack) }

// flushConntrack sends the netlink message that deletes without saying what: all of it.
func flushConntrack() error {
	const deleteMessage = unix.NFNL_SUBSYS_CTNETLINK<<8 | 2 // IPCTNL_MSG_CT_DELETE
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return fmt.Errorf("natlab: conntrack: %w", err)
	}
	defer unix.Close(fd)
	m := make([]byte, unix.NLMSG_HDRLEN+4) // nlmsghdr, nfgenmsg of zeros
	binary.NativeEndian.PutUint32(m, uint32(len(m)))
	binary.NativeEndian.PutUint16(m[4:], deleteMessage)
	binary.NativeEndian.PutUint16(m[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	if err := unix.Sendto(fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("natlab: conntrack: %w", err)
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return fmt.Errorf("natlab: conntrack: %w", err)
	}
	if n < unix.NLMSG_HDRLEN+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return errors.New("natlab: conntrack: no acknowledgement")
	}
	if code := int32(binary.NativeEndian.Uint32(answer[unix.NLMSG_HDRLEN:])); code != 0 {
		return fmt.Errorf("natlab: conntrack: %w", unix.Errno(-code))
	}
	return nil
}
