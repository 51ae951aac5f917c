package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"clove.i2p/plugins/plugintest"
)

// program finds a program of the system. Without it the test is skipped, or fails where all has to be there.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/bin") {
		if path := filepath.Join(dir, name); executable(path) {
			return path
		}
	}
	if os.Getenv("CLOVE_INTEROP") == "required" {
		t.Fatalf("CLOVE_INTEROP=required: %s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// home is a folder with a short path, for sockets too.
func home(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "irc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// start runs a program until the end of the test, with an environment of its own.
func start(t *testing.T, dir, path string, args ...string) (terminate func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = environment(dir)
	cmd.Dir = dir
	cmd.WaitDelay = patience
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %.4000s", filepath.Base(path), out.String())
		}
	})
	return func() { _ = cmd.Process.Signal(syscall.SIGTERM) }
}

func environment(home string) []string {
	return []string{"HOME=" + home, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TERM=screen"}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ngircd runs the real server.
func ngircd(t *testing.T) (address string) {
	t.Helper()
	path, dir := program(t, "ngircd"), home(t)
	l := loopback(t)
	address = l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(address)
	write(t, filepath.Join(dir, "ngircd.conf"), fmt.Sprintf(`[Global]
Name = irc.test.i2p
Info = a test
Listen = 127.0.0.1
Ports = %s
[Limits]
MaxConnectionsIP = 0
[Options]
DNS = yes
Ident = no
PAM = no
WebircPassword = secret
`, port))
	start(t, dir, path, "--nodaemon", "--config", filepath.Join(dir, "ngircd.conf"))
	eventually(t, "ngircd listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return address
}

// screen is a program in tmux, which has to be looked at.
type screen struct {
	t            *testing.T
	tmux, socket string
}

// irssi runs the real client in tmux.
func irssi(t *testing.T, address, nick string) *screen {
	t.Helper()
	tmux, client, dir := program(t, "tmux"), program(t, "irssi"), home(t)
	host, port, _ := net.SplitHostPort(address)
	s := &screen{t, tmux, filepath.Join(dir, "tmux")}
	command := fmt.Sprintf("%s --home=%s --connect=%s --port=%s --nick=%s", client, dir, host, port, nick)
	cmd := exec.Command(tmux, "-S", s.socket, "-f", "/dev/null", "new-session", "-d", "-s", "irssi", "-x", "180", "-y", "50", command)
	cmd.Env = environment(dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("irssi shows:\n%s", s.text())
		}
		_ = exec.Command(tmux, "-S", s.socket, "kill-server").Run()
	})
	return s
}

func (s *screen) text() string {
	out, _ := exec.Command(s.tmux, "-S", s.socket, "capture-pane", "-p", "-t", "irssi").Output()
	return string(out)
}

// say types a line.
func (s *screen) say(line string) {
	s.t.Helper()
	for _, keys := range [][]string{{"-l", line}, {"Enter"}} {
		args := append([]string{"-S", s.socket, "send-keys", "-t", "irssi"}, keys...)
		if out, err := exec.Command(s.tmux, args...).CombinedOutput(); err != nil {
			s.t.Fatalf("tmux: %v: %s", err, out)
		}
	}
}

func (s *screen) wait(text string) {
	s.t.Helper()
	eventually(s.t, "irssi shows "+text, func() bool { return strings.Contains(s.text(), text) })
}

// headless is weechat without a screen: it gets its commands at the start, and is seen by its logs.
type headless struct {
	t    *testing.T
	dir  string
	quit func()
}

func weechat(t *testing.T, address, nick, commands string, options ...string) *headless {
	t.Helper()
	path, dir := program(t, "weechat-headless"), home(t)
	w := &headless{t: t, dir: dir}
	args := []string{"-d", dir, "--stdout"}
	for _, command := range append(options,
		"/set logger.file.flush_delay 0",
		"/set irc.server_default.nicks "+nick,
		"/set irc.server_default.realname Jane Doe",
		"/set irc.server_default.command "+strings.ReplaceAll(commands, ";", `\;`),
		"/server add test "+strings.Replace(address, ":", "/", 1)+" -notls",
		"/connect test") {
		args = append(args, "-r", command)
	}
	w.quit = start(t, dir, path, args...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("weechat logs:\n%s", w.text())
		}
	})
	return w
}

func (w *headless) text() string {
	var all strings.Builder
	_ = filepath.WalkDir(filepath.Join(w.dir, "logs"), func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			b, _ := os.ReadFile(path)
			all.Write(b)
		}
		return nil
	})
	return all.String()
}

func (w *headless) wait(text string) {
	w.t.Helper()
	eventually(w.t, "weechat logs "+text, func() bool { return strings.Contains(w.text(), text) })
}

func TestRealClientsAndServer(t *testing.T) {
	h := plugintest.NewHost(t)
	direct := ngircd(t)
	srv := startServer(h, direct, settings{"method": "webirc", "webirc_password": "secret"})
	annTunnel, bobTunnel := startClient(h, srv.Address(), nil), startClient(h, srv.Address(), nil)

	ann := irssi(t, annTunnel.LocalAddress(), "ann")
	ann.wait("Welcome to the Internet Relay Network")
	ann.say("/join #i2p")
	ann.wait("has joined #i2p")
	bob := weechat(t, bobTunnel.LocalAddress(), "bob",
		"/join #i2p;/msg #i2p hello from weechat;/ctcp ann VERSION;/msg #i2p after the request")
	ann.wait("hello from weechat")
	ann.wait("after the request")
	ann.say("hello from irssi")
	bob.wait("hello from irssi")
	ann.say("/me waves")
	bob.wait("ann waves")

	// Neither does a client ask, nor is ours asked by somebody who uses no filter.
	eve := dial(t, direct)
	eve.say("NICK eve", "USER eve 0 * :Eve")
	eve.wait(" 376 ")
	eve.say("JOIN #i2p", "PRIVMSG ann :\x01VERSION\x01", "PRIVMSG ann :\x01TIME\x01", "PRIVMSG #i2p :after all that")
	ann.wait("after all that")
	eventually(t, "both tunnels have counted", func() bool {
		return annTunnel.Metrics()["ctcp_dropped_in"] == 2 && bobTunnel.Metrics()["ctcp_dropped_out"] == 1
	})
	if text := ann.text(); strings.Contains(text, "VERSION") || strings.Contains(text, "TIME") {
		t.Errorf("irssi saw a CTCP request:\n%s", text)
	}

	eve.say("WHOIS ann")
	if line := eve.wait(" 311 "); !strings.Contains(line, annTunnel.Address()) {
		t.Errorf("ann's host is not her destination: %q", line)
	}
	eve.say("WHOIS bob")
	if line := eve.wait(" 311 "); !strings.Contains(line, bobTunnel.Address()) {
		t.Errorf("bob's host is not his destination: %q", line)
	}

	bob.quit() // its message names its version
	if line := eve.wait("QUIT"); !strings.HasSuffix(line, `"leaving"`) && !strings.HasSuffix(line, ":leaving") {
		t.Errorf("bob's last words: %q", line)
	}
	ann.wait("leaving")
	ann.say("/quit")
	eventually(t, "all are gone", func() bool { return annTunnel.Metrics()["clients"]+bobTunnel.Metrics()["clients"] == 0 })
	for _, line := range h.Logs() {
		if strings.Contains(line, "hello") || strings.Contains(line, srv.Address()) {
			t.Errorf("a log that tells: %s", line)
		}
	}
}

// A file goes from irssi to weechat, which takes it by itself.
func TestRealClientsExchangeAFile(t *testing.T) {
	h := plugintest.NewHost(t)
	srv := startServer(h, ngircd(t), nil)
	free := loopback(t)
	offered := free.Addr().String()
	_ = free.Close()
	_, port, _ := net.SplitHostPort(offered)
	annTunnel := startClient(h, srv.Address(), settings{"dcc": true, "dcc_client": []string{offered}})
	bobTunnel := startClient(h, srv.Address(), settings{"dcc": true})

	dir := home(t)
	file, taken := filepath.Join(dir, "a file.bin"), filepath.Join(dir, "taken")
	data := make([]byte, 3<<20)
	_, _ = rand.Read(data)
	write(t, file, string(data))
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	ann := irssi(t, annTunnel.Status().Listeners[indexLocal(annTunnel)].Address, "ann")
	ann.wait("Welcome to the Internet Relay Network")
	ann.say("/set dcc_port " + port)
	ann.say("/join #i2p")
	ann.wait("has joined #i2p")
	bob := weechat(t, bobTunnel.Status().Listeners[indexLocal(bobTunnel)].Address, "bob", "/join #i2p",
		"/set xfer.file.auto_accept_files on", "/set xfer.file.auto_accept_chats on", "/set xfer.file.download_path "+taken)
	ann.wait("bob")
	ann.say(`/dcc send bob "` + file + `"`)
	eventually(t, "the file has arrived", func() bool {
		var got []byte
		_ = filepath.WalkDir(taken, func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				got, _ = os.ReadFile(path)
			}
			return nil
		})
		return bytes.Equal(got, data)
	})
	ann.say("/dcc chat bob")
	eventually(t, "a chat is made", func() bool { return annTunnel.Metrics()["dcc_connections"] == 2 })
	ann.say("/msg =bob only you see this")
	bob.wait("only you see this")
	if m := annTunnel.Metrics(); m["dcc_mapped_out"] != 2 || m["dcc_dropped_out"] != 0 {
		t.Errorf("metrics: %v", m)
	}
}
