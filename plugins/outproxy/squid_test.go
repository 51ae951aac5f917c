package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// needed skips a test that wants a program which is not installed, unless CI says that all are.
func needed(t *testing.T, names ...string) []string {
	t.Helper()
	var paths []string
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			path = "/usr/sbin/" + name
			if _, err := os.Stat(path); err != nil {
				if os.Getenv("CLOVE_INTEROP") == "required" {
					t.Fatalf("%s is not installed", name)
				}
				t.Skipf("%s is not installed", name)
			}
		}
		paths = append(paths, path)
	}
	return paths
}

// squidProcess is Debian's squid with a configuration of its own.
type squidProcess struct {
	address string
	stop    func()
}

// startDNS answers that there is no such name, on a loopback address of its own and the only port that squid asks; empty where
// that cannot be bound.
func startDNS(t *testing.T) (address string) {
	t.Helper()
	address = fmt.Sprintf("127.%d.%d.53", 64+rand.IntN(64), rand.IntN(256))
	c, err := net.ListenPacket("udp", address+":53")
	if err != nil {
		return ""
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil {
				continue
			}
			answer := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true, RCode: dnsmessage.RCodeNameError}, Questions: m.Questions}
			if packed, err := answer.Pack(); err == nil {
				c.WriteTo(packed, from)
			}
		}
	}()
	return address
}

// startSquid runs one that finds names in hosts, and asks a DNS that knows nothing.
func startSquid(t *testing.T, hosts, dns string) *squidProcess {
	t.Helper()
	program := needed(t, "squid")[0]
	dir, err := os.MkdirTemp("", "squid")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { // squid leaves root for a user of its own
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	conf := fmt.Sprintf(`
http_port %s
http_access allow localhost
http_access deny all
hosts_file %s
dns_nameservers %s
dns_timeout 1 seconds
connect_timeout 5 seconds
via off
forwarded_for delete
cache deny all
cache_mem 8 MB
access_log none
cache_log %s
pid_filename none
coredump_dir %s
visible_hostname secret-host-name
shutdown_lifetime 0 seconds
pinger_enable off
max_filedescriptors 1024
`, address, filepath.Join(dir, "hosts"), cmp.Or(dns, "127.0.0.1"), filepath.Join(dir, "cache.log"), dir)
	for name, text := range map[string]string{"squid.conf": conf, "hosts": hosts} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, program, "-N", "-f", filepath.Join(dir, "squid.conf"))
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // its own group: helpers of squid's, too
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	stopped := false
	s := &squidProcess{address: address, stop: func() {
		if !stopped {
			stopped = true
			cancel()
			<-ended
		}
	}}
	t.Cleanup(s.stop)
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return s
		}
		select {
		case err := <-ended:
			ended <- err
			log, _ := os.ReadFile(filepath.Join(dir, "cache.log"))
			t.Fatalf("squid ended: %v\n%s%s", err, output.Bytes(), log)
		default:
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(dir, "cache.log"))
			t.Fatalf("squid does not listen: %v\n%s%s", err, output.Bytes(), log)
		}
	}
}
