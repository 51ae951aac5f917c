package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// settings of a tunnel.
type settings struct {
	Behaviour string `json:"behaviour"`
	Data      string `json:"data"`    // clove's data directory
	Address   string `json:"address"` // of a TCP server outside
	PID       string `json:"pid"`     // of clove
	Other     string `json:"other"`   // a tunnel of another plugin
	Site      string `json:"site"`    // .b32.i2p
}

func settingsIn(text []byte) (s settings) {
	_ = json.Unmarshal(text, &s)
	return s
}

func behaviourIn(text []byte) string { return settingsIn(text).Behaviour }

func hostClient() (pb.HostClient, error) {
	conn, err := grpc.NewClient("unix:"+os.Getenv(api.HostEnv), grpc.WithTransportCredentials(insecure.NewCredentials()))
	return pb.NewHostClient(conn), err
}

func got(what string, err error) {
	if err == nil {
		fmt.Fprintln(os.Stderr, "GOT", what)
	}
}

func tryAll(tunnel string, s settings) {
	trySockets(s)
	tryFiles(s)
	tryProcesses(s)
	tryCalls(tunnel, s)
}

func trySockets(s settings) {
	dial := func(network, address string) error {
		c, err := net.DialTimeout(network, address, 2*time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	got("a connection to a server", dial("tcp", s.Address))
	got("a connection to the control socket", dial("unix", filepath.Join(s.Data, "control.sock")))
	got("UDP to a name server", dial("udp", "127.0.0.1:53"))
	got("UDP to the internet", dial("udp", "1.1.1.1:53"))
	if interfaces, err := net.Interfaces(); err == nil {
		for _, i := range interfaces {
			if i.Flags&net.FlagUp != 0 {
				got("the interface "+i.Name, nil)
			}
		}
	}
	for _, name := range []string{"example.com", s.Site} {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_, err := net.DefaultResolver.LookupHost(ctx, name)
		cancel()
		got("the address of "+name, err)
	}
	for what, family := range map[string]int{"a packet socket": unix.AF_PACKET, "a raw socket": unix.AF_INET, "a vsock": unix.AF_VSOCK} {
		kind, protocol := unix.SOCK_RAW, unix.IPPROTO_ICMP
		if family == unix.AF_VSOCK {
			kind, protocol = unix.SOCK_STREAM, 0
		}
		fd, err := unix.Socket(family, kind, protocol)
		got(what, err)
		if err == nil {
			_ = unix.Close(fd)
		}
	}
}

func tryFiles(s settings) {
	read := func(path string) error {
		_, err := os.ReadFile(path)
		return err
	}
	for _, prefix := range []string{"", "/proc/1/root", "/proc/self/root", "/proc/" + s.PID + "/root", "/proc/self/cwd/../../../../../.."} {
		for _, path := range []string{
			filepath.Join(s.Data, "clove.toml"), filepath.Join(s.Data, "router.info"), filepath.Join(s.Data, "tunnels", s.Other+".keys"), "/etc/passwd", "/etc/shadow",
			"/etc/hostname", "/etc/resolv.conf", "/root/.bashrc",
		} {
			got(prefix+path, read(prefix+path))
		}
	}
	_, err := os.ReadDir(s.Data)
	got("a list of clove's data directory", err)
	for _, dir := range []string{s.Data, "/", "/etc", "/usr", "/plugin", "/home", "/var/tmp", "/dev/shm"} {
		got("to write in "+dir, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600))
	}
	self, err := os.Executable()
	if err == nil {
		got("to change its own program", os.WriteFile(self, []byte("x"), 0o755))
	}
	got("a mount", unix.Mount("none", "/tmp", "tmpfs", 0, ""))
	got("another root", unix.Chroot("/tmp"))
	got("a device", unix.Mknod("/tmp/mem", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 1))))
}

func tryProcesses(s settings) {
	pid, _ := strconv.Atoi(s.PID)
	for _, name := range []string{"environ", "cmdline", "maps", "mem", "stat"} {
		f, err := os.Open(filepath.Join("/proc", s.PID, name))
		if err == nil {
			b := make([]byte, 1)
			_, err = f.Read(b)
			_ = f.Close()
		}
		got("/proc/PID/"+name+" of clove", err)
	}
	got("a signal to clove", syscall.Kill(pid, 0))
	got("ptrace of clove", syscall.PtraceAttach(pid))
	// All processes that it sees are its own: the first, which waits for it, and itself.
	if entries, err := os.ReadDir("/proc"); err == nil {
		for _, e := range entries {
			if n, err := strconv.Atoi(e.Name()); err == nil {
				if line, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline")); strings.Contains(string(line), "run\x00--json") {
					got(fmt.Sprintf("sight of process %d", n), nil)
				}
			}
		}
	}
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "E2E_CANARY") || strings.Contains(v, s.Data) {
			got("the environment "+v, nil)
		}
	}
	cmd := exec.Command(os.Args[0], "child")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err := cmd.Start()
	got("a user namespace of its own", err)
	if err == nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	if os.Getuid() != 0 {
		got("another user", syscall.Setuid(0))
	}
}

// tryCalls asks the host for what was not granted, and for what is another's.
func tryCalls(tunnel string, s settings) {
	host, err := hostClient()
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for what, call := range map[string]func() error{
		"a stream in I2P": func() error {
			_, err := host.Dial(ctx, &pb.DialRequest{Tunnel: tunnel, Address: s.Site + ":80"})
			return err
		},
		"a stream from another's destination": func() error {
			_, err := host.Dial(ctx, &pb.DialRequest{Tunnel: s.Other, Address: s.Site + ":80"})
			return err
		},
		"a listener in I2P": func() error {
			_, err := host.Listen(ctx, &pb.ListenRequest{Tunnel: tunnel})
			return err
		},
		"a listener of another's": func() error {
			_, err := host.Listen(ctx, &pb.ListenRequest{Tunnel: s.Other})
			return err
		},
		"a local connection": func() error {
			_, err := host.DialLocal(ctx, &pb.DialLocalRequest{Tunnel: tunnel, Address: s.Address})
			return err
		},
		"a local listener": func() error {
			_, err := host.ListenLocal(ctx, &pb.ListenLocalRequest{Tunnel: tunnel, Address: "127.0.0.1:0"})
			return err
		},
		"datagrams": func() error {
			_, err := host.ListenPacket(ctx, &pb.ListenPacketRequest{Tunnel: tunnel, Local: "127.0.0.1:0"})
			return err
		},
		"the web": func() error {
			_, err := host.DialClearnet(ctx, &pb.DialClearnetRequest{Tunnel: tunnel, Address: "198.51.100.1:80"})
			return err
		},
		"a file": func() error {
			_, err := host.OpenFile(ctx, &pb.OpenFileRequest{Tunnel: tunnel, Root: filepath.Join(s.Data, "clove.toml")})
			return err
		},
		"a folder": func() error {
			_, err := host.OpenFile(ctx, &pb.OpenFileRequest{Tunnel: tunnel, Root: s.Data, Path: "clove.toml"})
			return err
		},
		"state of another's": func() error {
			_, err := host.Stat(ctx, &pb.StatRequest{Tunnel: s.Other})
			return err
		},
		"keys of another's store": func() error {
			_, err := host.Keys(ctx, &pb.KeysRequest{Tunnel: s.Other})
			return err
		},
		"a log line of another's": func() error {
			_, err := host.Log(ctx, &pb.LogRequest{Tunnel: s.Other, Text: "lie"})
			return err
		},
		"a gigabyte in the store": func() error {
			for i := range 1 << 14 {
				if _, err := host.Put(ctx, &pb.PutRequest{Tunnel: tunnel, Key: strconv.Itoa(i), Value: make([]byte, 64<<10)}); err != nil {
					return err
				}
			}
			return nil
		},
		"a stream for a guessed ticket": func() error {
			c, err := net.Dial("unix", os.Getenv(api.DataEnv))
			if err != nil {
				return err
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			if _, err := c.Write(api.AppendPreamble(nil, api.Ticket{1})); err != nil {
				return err
			}
			_, err = c.Read(make([]byte, 1))
			return err
		},
	} {
		got(what, call())
	}
}
