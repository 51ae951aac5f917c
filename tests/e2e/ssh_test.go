package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fast is for cloves that move much: by default they take 1 MB/s of a line. The race detector takes memory for every goroutine.
func fast() string {
	const unlimited = "[router.bandwidth]\ninbound = 0\noutbound = 0\n"
	if race {
		return unlimited + "[plugins.tcp]\nmemory = \"4GB\"\n"
	}
	return unlimited
}

// transferTime is for 100 MB, on a machine that does much else at the same time.
const transferTime = 5 * time.Minute

// An sshd is the real one on a loopback port, with keys of its own for the host and for one user: who runs the test.
type sshd struct {
	address string
	hostKey string // as in known_hosts, without the host
	key     string // file of the user's private key
	login   string
}

func startSSHD(t *testing.T) sshd {
	t.Helper()
	program, keygen := installed(t, "sshd"), installed(t, "ssh-keygen")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"host", "user"} {
		out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", filepath.Join(dir, name)).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	public, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	s := sshd{address: freePort(t), hostKey: strings.TrimSpace(string(public)), key: filepath.Join(dir, "user"), login: me.Username}
	_, port, _ := net.SplitHostPort(s.address)
	conf := fmt.Sprintf(`ListenAddress 127.0.0.1
Port %s
HostKey %s
AuthorizedKeysFile %s
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
UseDNS no
PidFile none
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
`, port, filepath.Join(dir, "host"), s.key+".pub")
	file := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // the folder where root's sshd confines its children, which the init system makes elsewhere
		if err := os.Mkdir("/run/sshd", 0o755); err == nil {
			t.Cleanup(func() { os.Remove("/run/sshd") })
		} else if !errors.Is(err, os.ErrExist) {
			t.Skipf("sshd as root needs /run/sshd: %v", err)
		}
	}
	var output lockedBuffer
	cmd := exec.Command(program, "-D", "-e", "-f", file) // by its absolute path, as it wants it
	cmd.Env, cmd.Stdout, cmd.Stderr = environ(), &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("sshd:\n%s", output.String())
		}
	})
	awaitPort(t, "sshd", s.address, ended)
	return s
}

// awaitPort waits until a program listens.
func awaitPort(t *testing.T, name, address string, ended <-chan struct{}) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // another process: there is nothing to wait for
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended", name)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen: %v", name, err)
		}
	}
}

// client writes a configuration for ssh, in which the host "clove" is the server behind a local port, and no other key is
// taken for the server's.
func (s sshd) client(t *testing.T, through string) (file string) {
	t.Helper()
	host, port, err := net.SplitHostPort(through)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	known := filepath.Join(dir, "known_hosts")
	conf := fmt.Sprintf("Host clove\nHostName %s\nPort %s\nUser %s\nIdentityFile %s\nIdentitiesOnly yes\nBatchMode yes\nStrictHostKeyChecking yes\n"+
		"UserKnownHostsFile %s\nGlobalKnownHostsFile none\nConnectTimeout 120\n", host, port, s.login, s.key, known)
	file = filepath.Join(dir, "ssh_config")
	for name, text := range map[string]string{known: fmt.Sprintf("[%s]:%s %s\n", host, port, s.hostKey), file: conf} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// ran runs a program to its end and returns what it printed.
func ran(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), transferTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = append(environ(), env...), &out, &errs
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out.String(), errs.String())
	}
	return strings.TrimSpace(out.String())
}

// A connection is what the tests read of clove connections.
type connection struct {
	ID        string `json:"id"`
	Owner     string `json:"owner"`
	Kind      string `json:"kind"`
	Direction string `json:"direction"`
	Peer      string `json:"peer"`
	State     string `json:"state"`
}

// connections of tunnels.
func (c *clove) connections(t *testing.T, tunnels ...string) (found []connection) {
	t.Helper()
	var all []connection
	c.query(t, &all, "connections")
	for _, one := range all {
		for _, name := range tunnels {
			if one.Owner == "tunnel "+name {
				found = append(found, one)
			}
		}
	}
	return found
}

// noConnections waits until the tunnels have none: that all has ended, the far end hears last.
func (c *clove) noConnections(t *testing.T, tunnels ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		found := c.connections(t, tunnels...)
		if len(found) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are left: %+v", len(found), found)
		}
	}
}

// ssh, scp and git between two cloves, from a client tunnel to a server tunnel.
func TestSSHOverTunnels(t *testing.T) {
	ssh, scp, git := installed(t, "ssh"), installed(t, "scp"), installed(t, "git")
	server := startSSHD(t)
	n := startNetwork(t, 6, http.NotFoundHandler())
	far := n.start(t, fast()+fmt.Sprintf("[tunnels.sshd]\ntype = \"tcp-server\"\nports = { 22 = %q }\n", server.address))
	far.waitReady(t)
	address := far.tunnel(t, "sshd", true).Address
	near := n.start(t, fast()+fmt.Sprintf("[tunnels.ssh]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = [\"%s:22\"]\n", address))
	near.waitReady(t)
	conf := server.client(t, near.tunnel(t, "ssh", false).Local[0])

	// The server sees a visitor with an address of his own.
	said := ran(t, nil, ssh, "-F", conf, "clove", `echo "over I2P from ${SSH_CONNECTION%% *}"`)
	if from, ok := strings.CutPrefix(said, "over I2P from 127."); !ok || from == "0.0.1" {
		t.Errorf("ssh said %q", said)
	}
	t.Log(said)

	dir := t.TempDir()
	sent, received := filepath.Join(dir, "sent"), filepath.Join(dir, "received")
	sum := randomFile(t, sent, 100_000_000)
	begin := time.Now()
	ran(t, nil, scp, "-F", conf, "clove:"+sent, received)
	took := time.Since(begin)
	if got := sha256File(t, received); got != sum {
		t.Errorf("scp: SHA-256 %s, want %s", got, sum)
	}
	t.Logf("scp of 100 MB in %.1f s, SHA-256 %s", took.Seconds(), sum)

	env := []string{
		"HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_SSH_COMMAND=ssh -F " + conf, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.i2p",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.i2p",
	}
	origin, clone := filepath.Join(dir, "origin"), filepath.Join(dir, "clone")
	ran(t, env, git, "init", "-q", "-b", "main", origin)
	for i := range 20 {
		randomFile(t, filepath.Join(origin, fmt.Sprintf("file-%d", i%7)), 50_000+i)
		ran(t, env, git, "-C", origin, "add", ".")
		ran(t, env, git, "-C", origin, "commit", "-q", "-m", fmt.Sprint("commit ", i))
	}
	ran(t, env, git, "clone", "-q", "ssh://clove"+origin, clone)
	want, got := ran(t, env, git, "-C", origin, "rev-parse", "HEAD"), ran(t, env, git, "-C", clone, "rev-parse", "HEAD")
	if len(want) != 40 || got != want || ran(t, env, git, "-C", clone, "rev-list", "--count", "HEAD") != "20" {
		t.Errorf("git clone: HEAD %s, want %s", got, want)
	}
	ran(t, env, git, "-C", clone, "fsck", "--full", "--strict")
	ran(t, env, git, "-C", clone, "commit", "-q", "--allow-empty", "-m", "there and back")
	ran(t, env, git, "-C", clone, "push", "-q", "origin", "main:refs/heads/back")
	want, got = ran(t, env, git, "-C", clone, "rev-parse", "HEAD"), ran(t, env, git, "-C", origin, "rev-parse", "back")
	if got != want {
		t.Errorf("git push: %s, want %s", got, want)
	}
	t.Logf("git clone of 20 commits, and push: HEAD %s", want)

	near.noConnections(t, "ssh")
	far.noConnections(t, "sshd")
}

// randomFile writes a file that cannot be compressed.
func randomFile(t *testing.T, path string, size int) (sum string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(f, h), rand.NewChaCha8([32]byte{byte(size), byte(size >> 8)}), int64(size)); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func sha256File(t *testing.T, path string) string {
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
	return hex.EncodeToString(h.Sum(nil))
}

// Many streams at the same time: every byte of each arrives, in order, and nothing is left afterwards.
func TestManyStreamsOverTunnels(t *testing.T) {
	const streams, size = 200, 64 << 10
	n := startNetwork(t, 6, http.NotFoundHandler())
	far := n.start(t, fast()+fmt.Sprintf("[tunnels.echo]\ntype = \"tcp-server\"\ntarget = %q\nmax_connections = 1000\npeer_connections = 0\ntotal_connections = 0\n"+
		"peer_minute = 0\npeer_hour = 0\npeer_day = 0\ntotal_minute = 0\n", startEcho(t)))
	far.waitReady(t)
	address := far.tunnel(t, "echo", true).Address
	near := n.start(t, fast()+fmt.Sprintf("[tunnels.many]\ntype = \"tcp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = [%q]\nmax_connections = 1000\n", address))
	near.waitReady(t)
	through := near.tunnel(t, "many", false).Local[0]

	conns := make([]net.Conn, streams)
	var all sync.WaitGroup
	for i := range conns {
		conn, err := net.Dial("tcp", through)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(transferTime))
		conns[i] = conn
		all.Go(func() { // the echo of a line shows that the whole way is open
			if err := echoes(conn, fmt.Appendf(nil, "stream %d\n", i)); err != nil {
				t.Errorf("stream %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.Fatalf("%s\n%s", near.must(t, "tunnel", "show", "many"), far.must(t, "tunnel", "show", "echo"))
	}
	// On each side a stream has an end in I2P and one here.
	for c, name := range map[*clove]string{near: "many", far: "echo"} {
		directions := map[string]int{}
		for _, one := range c.connections(t, name) {
			directions[one.Kind+" "+one.Direction]++
		}
		t.Logf("tunnel %s, all open: %v", name, directions)
		for what, count := range directions {
			if count != streams {
				t.Errorf("tunnel %s has %d connections %s, want %d", name, count, what, streams)
			}
		}
		if len(directions) != 2 {
			t.Errorf("tunnel %s has connections of the kinds %v", name, directions)
		}
	}
	begin := time.Now()
	for i, conn := range conns {
		all.Go(func() {
			b := make([]byte, size)
			rand.NewChaCha8([32]byte{byte(i)}).Read(b)
			if err := echoes(conn, b); err != nil {
				t.Errorf("stream %d: %v", i, err)
				return
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Errorf("stream %d: %v", i, err)
			}
			if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
				t.Errorf("stream %d: %d bytes after its end, %v", i, len(rest), err)
			}
			conn.Close()
		})
	}
	all.Wait()
	t.Logf("%d streams at a time, %d KB there and back on each: %.1f s", streams, size>>10, time.Since(begin).Seconds())
	near.noConnections(t, "many")
	far.noConnections(t, "echo")
}

// startEcho listens on loopback and sends back what comes.
func startEcho(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// echoes sends b and wants it back.
func echoes(conn net.Conn, b []byte) error {
	written := make(chan error, 1)
	go func() { _, err := conn.Write(b); written <- err }()
	got := make([]byte, len(b))
	n, err := io.ReadFull(conn, got)
	if err != nil {
		return fmt.Errorf("after %d of %d bytes: %w", n, len(b), err)
	}
	if !bytes.Equal(got, b) {
		return errors.New("other bytes came back")
	}
	return <-written
}
