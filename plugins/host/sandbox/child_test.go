//go:build linux

package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"clove.i2p/plugins/api"
	"golang.org/x/sys/unix"
)

// sight is what a child found out: for each try the error, or "ok".
type sight struct {
	Tries        map[string]string
	Env          []string
	Capabilities string
	Bounding     []int
	NoNewPrivs   int
	Seccomp      int
	Pids         []string
	Root         []string
	FDs          []string
	UID          int
}

// look tries everything that a plugin has no business with.
func look() {
	s := sight{Tries: map[string]string{}, Env: os.Environ(), UID: os.Getuid()}
	try := func(name string, err error) {
		s.Tries[name] = "ok"
		if err != nil {
			s.Tries[name] = err.Error()
		}
	}
	dial := func(network, address string) error {
		d := net.Dialer{Timeout: 5 * time.Second}
		c, err := d.Dial(network, address)
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	socket := func(family int) error {
		fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
		if err == nil {
			_ = unix.Close(fd)
		}
		return err
	}
	outside := os.Getenv("OUTSIDE")
	try("tcp", dial("tcp", os.Getenv("TCP")))
	try("unix", dial("unix", filepath.Join(outside, "other.sock")))
	try("abstract", dial("unix", "@"+os.Getenv("ABSTRACT")))
	for name, family := range map[string]int{"inet": unix.AF_INET, "inet6": unix.AF_INET6, "netlink": unix.AF_NETLINK, "vsock": unix.AF_VSOCK, "packet": unix.AF_PACKET} {
		try(name, socket(family))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r := net.Resolver{PreferGo: true}
	_, err := r.LookupHost(ctx, "clove.example")
	try("dns", err)
	_, err = os.ReadFile(filepath.Join(outside, "secret"))
	try("secret", err)
	_, err = os.ReadFile("/etc/passwd")
	try("passwd", err)
	_, err = os.ReadDir("/root")
	try("root", err)
	_, err = os.ReadFile("/proc/" + os.Getenv("PARENT") + "/environ")
	try("environ", err)
	for _, folder := range []string{"/", "/usr", "/dev", "/plugin", outside} {
		f, err := os.CreateTemp(folder, "x")
		if err == nil {
			_ = f.Close()
		}
		try("write "+folder, err)
	}
	if self, err := os.Executable(); err == nil {
		f, err := os.OpenFile(self, os.O_WRONLY, 0)
		if err == nil {
			_ = f.Close()
		}
		try("write self", err)
	}
	pid, _ := strconv.Atoi(os.Getenv("PARENT"))
	try("signal", unix.Kill(pid, 0))
	try("unshare", unix.Unshare(unix.CLONE_NEWUSER))
	try("mount", unix.Mount("tmpfs", "/tmp", "tmpfs", 0, ""))
	try("ptrace", unix.PtraceAttach(pid))
	_, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
	try("io_uring", e)
	try("tmp", os.WriteFile(filepath.Join(os.TempDir(), "x"), []byte("x"), 0o600))
	s.inventory()
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		panic(err)
	}
}

func (s *sight) inventory() {
	// Not from /proc: without namespaces Landlock covers it.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var c [2]unix.CapUserData
	if err := unix.Capget(&header, &c[0]); err != nil {
		panic(err)
	}
	s.Capabilities = fmt.Sprintf("%x", []uint32{c[0].Effective, c[1].Effective, c[0].Permitted, c[1].Permitted, c[0].Inheritable, c[1].Inheritable})
	for i := range uintptr(64) {
		if r, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, i, 0, 0, 0); err == nil && r == 1 {
			s.Bounding = append(s.Bounding, int(i))
		}
	}
	s.NoNewPrivs, _ = unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	s.Seccomp, _ = unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	list := func(folder string) (names []string) {
		entries, _ := os.ReadDir(folder)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	for _, name := range list("/proc") {
		if _, err := strconv.Atoi(name); err == nil {
			s.Pids = append(s.Pids, name)
		}
	}
	s.Root = list("/")
	for _, fd := range list("/proc/self/fd") {
		target, err := os.Readlink("/proc/self/fd/" + fd)
		if err == nil && !strings.Contains(target, "eventpoll") && !strings.Contains(target, "eventfd") {
			s.FDs = append(s.FDs, target)
		}
	}
}

// listen makes a socket in its folder, and other things there that are none.
func listen() {
	folder := os.Getenv(socketFolderEnv)
	l, err := net.Listen("unix", filepath.Join(folder, "own"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = os.Symlink(os.Getenv("OUTSIDE")+"/other.sock", filepath.Join(folder, "link"))
	_ = os.WriteFile(filepath.Join(folder, "file"), nil, 0o666)
	fmt.Println("listening", folder)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.Copy(c, c)
		_ = c.Close()
	}
}

// dialSockets talks to both sockets of clove.
func dialSockets() {
	for _, name := range []string{api.HostEnv, api.DataEnv} {
		c, err := net.Dial("unix", os.Getenv(name))
		if err != nil {
			fmt.Println(name, err)
			continue
		}
		_, _ = io.WriteString(c, name)
		_ = c.(*net.UnixConn).CloseWrite()
		b, err := io.ReadAll(c)
		fmt.Println(string(b), err)
	}
}

// eat takes a gigabyte of memory, if it gets it.
func eat() {
	var all [][]byte
	for range 1024 {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
	}
	fmt.Println("ate", len(all))
}

// forkBomb starts processes until it gets no more.
func forkBomb() {
	n := 0
	for range 2000 {
		if exec.Command("/bin/sleep", "600").Start() != nil {
			break
		}
		n++
	}
	fmt.Println("forked", n)
}

// family has a child in a session and process group of its own, which ignores signals, and lives on.
func family() {
	cmd := exec.Command("/bin/sh", "-c", "trap '' TERM HUP INT; while :; do sleep 600; done")
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	cmd.Stdout = os.Stdout
	fmt.Println("family", cmd.Start() == nil)
	select {}
}
