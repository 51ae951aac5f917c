package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/plugins/plugintest"
)

// missing skips a test that needs something which this machine lacks, or fails it where all has to be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CLOVE_INTEROP") == "required" {
		t.Fatalf("CLOVE_INTEROP=required: %s", what)
	}
	t.Skip(what)
}

func program(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/bin") {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return filepath.Join(dir, name)
		}
	}
	missing(t, name+" is not installed")
	return ""
}

// shell runs real programs with an environment of its own.
type shell struct {
	t    *testing.T
	home string
}

func (s shell) run(name string, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 4*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(s.t, name), args...)
	cmd.Dir = s.home
	cmd.Env = []string{
		"HOME=" + s.home, "PATH=/usr/bin:/bin", "GIT_SSH_COMMAND=ssh " + strings.Join(s.options(), " "), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func (s shell) options() []string {
	return []string{
		"-F", "/dev/null", "-i", filepath.Join(s.home, "id"), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
		"-o", "UserKnownHostsFile=" + filepath.Join(s.home, "known_hosts"), "-o", "ConnectTimeout=60",
		"-o", "HostKeyAlias=clove-test",
	}
}

// sshd runs the real server on loopback, with keys and a configuration of its own, for the user who runs the test.
func sshd(t *testing.T, s shell) (address string) {
	t.Helper()
	path := program(t, "sshd")
	for _, key := range []string{"host", "id"} {
		s.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(s.home, key))
	}
	public, err := os.ReadFile(filepath.Join(s.home, "host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(address)
	write(t, filepath.Join(s.home, "known_hosts"), "clove-test "+string(public))
	write(t, filepath.Join(s.home, "sshd_config"), fmt.Sprintf(`ListenAddress 127.0.0.1
Port %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
PermitRootLogin yes
MaxStartups 500
Subsystem sftp internal-sftp
`, port, filepath.Join(s.home, "host"), filepath.Join(s.home, "id.pub")))
	ctx, cancel := context.WithCancel(context.Background())
	command := []string{path, "-D", "-e", "-f", filepath.Join(s.home, "sshd_config")}
	if _, err := os.Stat("/run/sshd"); err != nil && os.Getuid() == 0 {
		// Root's sshd wants this folder: it gets a /run of its own.
		command = append([]string{program(t, "unshare"), "--mount", "sh", "-c", `mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec "$@"`, "sh"}, command...)
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.WaitDelay = patience
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait()
		if t.Failed() {
			t.Logf("sshd: %.4000s", out.String())
		}
	})
	for end := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return address
		}
		if time.Now().After(end) {
			t.Fatalf("sshd does not listen: %v", err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ssh, scp and git with the real programs, through tcp-client and tcp-server.
func TestSSHAndGit(t *testing.T) {
	for _, name := range []string{"ssh", "scp", "git", "ssh-keygen"} {
		program(t, name)
	}
	s := shell{t, t.TempDir()}
	address := sshd(t, s)
	h := plugintest.NewHost(t)
	server := h.Start(plugin(), "tcp-server", settings{"ports": settings{"22": address}})
	client := h.Start(plugin(), "tcp-client", settings{"listen": "127.0.0.1:0", "destination": []string{server.Address() + ":22"}})
	host, port, _ := net.SplitHostPort(client.LocalAddress())
	options := s.options()

	out := s.run("ssh", append(options, "-p", port, host, "echo", "$SSH_CLIENT")...)
	if source := strings.Fields(out)[0]; !strings.HasPrefix(source, "127.") || source == "127.0.0.1" {
		t.Errorf("ssh came from %s", source)
	}

	const size = 100 << 20
	sent, received := filepath.Join(s.home, "sent"), filepath.Join(s.home, "received")
	want := random(t, sent, size)
	s.run("scp", append(options, "-P", port, sent, host+":"+received)...)
	if got := hashOf(t, received); got != want {
		t.Errorf("scp up: %x, want %x", got, want)
	}
	s.run("scp", append(options, "-P", port, host+":"+received, sent+".back")...)
	if got := hashOf(t, sent+".back"); got != want {
		t.Errorf("scp down: %x, want %x", got, want)
	}

	repository := filepath.Join(s.home, "repository")
	s.run("git", "init", "-q", repository)
	write(t, filepath.Join(repository, "file"), "content")
	s.run("git", "-C", repository, "add", "file")
	s.run("git", "-C", repository, "commit", "-q", "-m", "first")
	s.run("git", "clone", "-q", "ssh://"+client.LocalAddress()+repository, filepath.Join(s.home, "clone"))
	if b, err := os.ReadFile(filepath.Join(s.home, "clone", "file")); err != nil || string(b) != "content" {
		t.Errorf("git clone: %q, %v", b, err)
	}
	if m := client.Metrics(); m["sent_bytes"] < size || m["received_bytes"] < size {
		t.Errorf("metrics: %v", m)
	}
}

func random(t *testing.T, path string, size int64) [32]byte {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(f, h), rand.Reader, size); err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

func hashOf(t *testing.T, path string) [32]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

// 200 streams at the same time, each with bytes of its own both ways.
func Test200StreamsAtATime(t *testing.T) {
	const streams, size = 200, 100 << 10
	h := plugintest.NewHost(t)
	server := h.Start(plugin(), "tcp-server", settings{
		"target": listen(t, echo), "peer_connections": 0, "total_connections": 0, "peer_minute": 0, "peer_hour": 0, "peer_day": 0, "total_minute": 0,
	})
	client := h.Start(plugin(), "tcp-client", settings{"listen": "127.0.0.1:0", "destination": []string{server.Address()}})
	var all sync.WaitGroup
	open := make(chan struct{})
	var ready sync.WaitGroup
	ready.Add(streams)
	for range streams {
		all.Go(func() {
			c, err := net.Dial("tcp", client.LocalAddress())
			if err != nil {
				t.Error(err)
				ready.Done()
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(4 * patience))
			data, back := make([]byte, size), make([]byte, size)
			rand.Read(data)
			_, err = c.Write(data[:1])
			if err == nil {
				_, err = io.ReadFull(c, back[:1])
			}
			ready.Done()
			<-open // all of them are through
			go c.Write(data[1:])
			if err == nil {
				_, err = io.ReadFull(c, back[1:])
			}
			if err != nil || !bytes.Equal(data, back) {
				t.Errorf("a stream: %v", err)
			}
		})
	}
	ready.Wait()
	if n := server.Status().Open; n < streams {
		t.Errorf("%d connections are open", n)
	}
	close(open)
	all.Wait()
}
