//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrNoRelay means that this machine has no TUN devices for us.
var ErrNoRelay = errors.New("natlab: no relay")

// openTUN makes a device of a namespace whose packets, IP without a header, we read and write. It is for tests only
// that such a device exists, and it goes with the file.
func openTUN(n *namespace, name string, mtu int) (f *os.File, err error) {
	err = n.do(func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return fmt.Errorf("%w: /dev/net/tun: %w", ErrNoRelay, err)
		}
		r, err := unix.NewIfreq(name)
		if err == nil {
			r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
		}
		if err != nil {
			unix.Close(fd)
			return fmt.Errorf("%w: device %s: %w", ErrNoRelay, name, err)
		}
		f = os.NewFile(uintptr(fd), name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	// A queue of the default length, 500 packets, drops on its own when the relay does not get the processor in time.
	if err := n.ip(fmt.Sprintf("link set dev %s mtu %d txqueuelen 10000", name, mtu)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
