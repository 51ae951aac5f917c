package main

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"clove.i2p/plugins/plugintest"
)

const inNamespace = "CLOVE_TEST_IN_NAMESPACE"

// A server on ::1 sees visitors come from fd00::/8 where the machine has these addresses. The test makes a network of its own for
// that, and runs itself in there.
func TestVisitorsComeFromAddressesOfTheirOwnOverIPv6(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), inNamespace+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			missing(t, "a network namespace: "+err.Error())
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	remote := func(c net.Conn) { c.Write([]byte(c.RemoteAddr().(*net.TCPAddr).IP.String())) }
	run(t, "ip", "link", "set", "lo", "up")
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, remote)
	h := plugintest.NewHost(t)
	server := h.Start(plugin(), "tcp-server", settings{"target": l.Addr().String()})
	if got := read(t, visit(t, h, "alice.i2p", server, 1)); got != "::1" {
		t.Errorf("without these addresses alice comes from %s", got)
	}
	if err := os.WriteFile("/proc/sys/net/ipv6/ip_nonlocal_bind", []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "ip", "-6", "route", "add", "local", "fd00::/8", "dev", "lo")
	alice, again, bob := read(t, visit(t, h, "alice.i2p", server, 1)), read(t, visit(t, h, "alice.i2p", server, 1)), read(t, visit(t, h, "bob.i2p", server, 1))
	if alice != again || alice == bob || !netip.MustParsePrefix("fd00::/8").Contains(netip.MustParseAddr(alice)) {
		t.Errorf("alice comes from %s and %s, bob from %s", alice, again, bob)
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v %s", name, args, err, out)
	}
}
