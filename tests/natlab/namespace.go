//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clove.i2p/tests/netns"
)

// A namespace is a network namespace, entered by one thread that does all work in it. It lives as long as that thread
// and the sockets and processes that were started in it.
type namespace struct {
	path string // for programs: /proc/PID/fd/N
	file *os.File
	work chan func()
}

// newNamespace makes a namespace that has nothing but loopback, which is up.
func newNamespace() (*namespace, error) {
	n := &namespace{work: make(chan func())}
	entered := make(chan error)
	go func() {
		// The thread is in another namespace for good: it is not unlocked, so that it ends with this goroutine.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			n.file, err = os.Open("/proc/thread-self/ns/net")
		}
		if entered <- err; err != nil {
			return
		}
		for f := range n.work {
			f()
		}
	}()
	if err := <-entered; err != nil {
		return nil, fmt.Errorf("natlab: namespace: %w", err)
	}
	n.path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd())
	err := n.sysctl("net/ipv6/conf/all/accept_dad=0", "net/ipv6/conf/default/accept_dad=0",
		"net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0")
	if err == nil {
		err = n.ip("link set dev lo up")
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// do runs f on the thread of the namespace: sockets that it opens and processes that it starts belong there.
func (n *namespace) do(f func() error) error {
	done := make(chan error)
	n.work <- func() { done <- f() }
	return <-done
}

// ip runs `ip` with one command to a line.
func (n *namespace) ip(commands ...string) error {
	return n.tool(strings.Join(commands, "\n"), "ip", "-batch", "-")
}

// settle waits until a device passes packets: it drops them for some milliseconds after both its ends are up. Those of
// TUN are in no state.
func (n *namespace) settle(device string) error {
	return n.await(" state (UP|UNKNOWN) ", "-oneline", "link", "show", "dev", device)
}

// await waits until what ip shows matches a pattern.
func (n *namespace) await(pattern string, args ...string) error {
	const patience = 20 * time.Second
	for began := time.Now(); time.Since(began) < patience; <-time.After(10 * time.Millisecond) {
		var out []byte
		if err := n.do(func() (err error) {
			out, err = exec.Command("ip", args...).CombinedOutput()
			return err
		}); err != nil {
			return fmt.Errorf("natlab: ip %s: %w: %s", args, err, out)
		}
		if found, err := regexp.Match(pattern, out); err != nil || found {
			return err
		}
	}
	return fmt.Errorf("natlab: ip %s does not show %q", args, pattern)
}

// nft loads rules.
func (n *namespace) nft(rules string) error { return n.tool(rules, netns.Nft(), "-f", "-") }

func (n *namespace) tool(input, program string, args ...string) error {
	return n.do(func() error {
		cmd := exec.Command(program, args...)
		cmd.Stdin = strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("natlab: %s: %w: %s\n%s", program, err, out, input)
		}
		return nil
	})
}

// sysctl sets keys as in net/ipv4/ip_forward=1. Keys of IPv6 may be missing with it.
func (n *namespace) sysctl(settings ...string) error {
	return n.do(func() error {
		for _, s := range settings {
			key, value, _ := strings.Cut(s, "=")
			err := os.WriteFile("/proc/sys/"+key, []byte(value), 0)
			if err != nil && !(errors.Is(err, os.ErrNotExist) && strings.HasPrefix(key, "net/ipv6/")) {
				return fmt.Errorf("natlab: sysctl %s: %w", s, err)
			}
		}
		return nil
	})
}

// listenUDP opens a socket in the namespace.
func (n *namespace) listenUDP(local netip.AddrPort) (c *net.UDPConn, err error) {
	err = n.do(func() (err error) {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
		return err
	})
	return c, err
}

// dial connects from within the namespace, to an address without a name.
func (n *namespace) dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("natlab: %w", err)
	}
	// One thread does it all: a dial that hangs must not hold it for long.
	d := net.Dialer{Timeout: 2 * time.Second, KeepAlive: -1}
	err = n.do(func() (err error) {
		c, err = d.DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// enter is the command that runs a program in the namespace, in place: its process is the program's.
func (n *namespace) enter(program string, args ...string) (string, []string) {
	return "nsenter", append([]string{"--net=" + n.path, "--", program}, args...)
}

func (n *namespace) close() {
	close(n.work)
	n.file.Close()
}
