package e2e_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// installed finds a program that the system may not have. The test is skipped without it, unless CLOVE_INTEROP says that all are there.
func installed(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	if os.Getenv("CLOVE_INTEROP") == "required" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// A squid is the real one, with a configuration of its own.
type squid struct {
	address string
	cmd     *exec.Cmd
	ended   chan struct{}
	log     string
}

// startSquid runs one that finds the names in hosts, which are lines of a hosts file, and asks nobody for others.
func startSquid(t *testing.T, hosts string) *squid {
	t.Helper()
	program := installed(t, "squid")
	dir, err := os.MkdirTemp(folder, "squid")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o711); err != nil { // squid leaves root for a user of its own
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	s := &squid{address: freePort(t), ended: make(chan struct{}), log: filepath.Join(dir, "cache.log")}
	// The name server is an address where nobody answers.
	conf := fmt.Sprintf(`http_port %s
http_access allow localhost
http_access deny all
hosts_file %s
dns_nameservers 127.0.0.1
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
visible_hostname squid.example
shutdown_lifetime 0 seconds
pinger_enable off
max_filedescriptors 1024
`, s.address, filepath.Join(dir, "hosts"), s.log, dir)
	for name, text := range map[string]string{"squid.conf": conf, "hosts": hosts} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.cmd = exec.Command(program, "-N", "-f", filepath.Join(dir, "squid.conf"))
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &output, &output
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.cmd.Wait(); close(s.ended) }()
	t.Cleanup(s.stop)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			conn.Close()
			return s
		}
		select {
		case <-s.ended:
			log, _ := os.ReadFile(s.log)
			t.Fatalf("squid ended: %s\n%s", output.Bytes(), log)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("squid does not listen: %v", err)
		}
	}
}

// stop ends it, with what it started.
func (s *squid) stop() {
	select {
	case <-s.ended:
		return
	default:
	}
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
}

// freePort is a loopback address where nobody listens at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
