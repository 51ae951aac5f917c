//go:build linux

package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is for a machine that does ten other things: everything here takes milliseconds.
const patience = 60 * time.Second

// environment of a test: a folder outside with a secret and sockets, as the data folder of clove is.
type outside struct {
	folder, run string
	tcp         net.Listener
	abstract    string
}

func newOutside(t *testing.T) outside {
	t.Helper()
	o := outside{folder: t.TempDir()}
	run, release, err := RuntimeFolder()
	if err != nil {
		t.Fatal(err)
	}
	o.run = run
	t.Cleanup(release)
	if err := os.WriteFile(filepath.Join(o.folder, "secret"), []byte("key"), 0o644); err != nil {
		t.Fatal(err)
	}
	o.abstract = "sandbox-test-" + filepath.Base(o.run)
	o.tcp = serve(t, "tcp", "127.0.0.1:0")
	serve(t, "unix", "@"+o.abstract)
	serve(t, "unix", filepath.Join(o.folder, "other.sock"))
	serve(t, "unix", filepath.Join(o.run, "host.sock"))
	serve(t, "unix", filepath.Join(o.run, "data.sock"))
	return o
}

// serve echoes.
func serve(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l
}

// self is the test binary, as a plugin.
func self(t *testing.T) *Binary {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// run starts a child in a mode and returns it; it is killed with the test.
func run(t *testing.T, m mode, o outside, b *Binary, memory int64, env ...string) *Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	env = append(env, "OUTSIDE="+o.folder, "TCP="+o.tcp.Addr().String(), "ABSTRACT="+o.abstract, fmt.Sprintf("PARENT=%d", os.Getpid()))
	host, data := filepath.Join(o.run, "host.sock"), filepath.Join(o.run, "data.sock")
	if m == modeSplit {
		if err := errors.Join(os.Chmod(host, 0o666), os.Chmod(data, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if raceDetector && memory != DefaultMemory {
		memory = NoMemoryLimit
	}
	p, err := start(ctx, order{
		Mode: m, Name: filepath.Base(b.Path), Env: env, SHA256: b.SHA256, Size: b.size, System: b.system,
		HostSocket: host, DataSocket: data, Folder: o.run, Memory: memory, Files: DefaultFiles,
	}, b.file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		_, _ = p.Stdout.Close(), p.Stderr.Close()
	})
	return p
}

func output(t *testing.T, p *Process) string {
	t.Helper()
	_ = p.Stdout.SetReadDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(p.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// modes that this user and machine have.
func modes(t *testing.T) map[string]mode {
	t.Helper()
	all := map[string]mode{"split": modeSplit, "single": modeSingle, "plain": modePlain}
	for name, m := range all {
		if _, err := try(m); err != nil {
			t.Logf("%s: %v", name, err)
			delete(all, name)
		}
	}
	if len(all) == 0 {
		t.Fatal("not even the plain mode works")
	}
	return all
}

func eachMode(t *testing.T, f func(t *testing.T, m mode)) {
	for name, m := range modes(t) {
		t.Run(name, func(t *testing.T) { f(t, m) })
	}
}

func TestChildReachesNothing(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		o := newOutside(t)
		p := run(t, m, o, self(t), 0, childEnv+"=look")
		out := output(t, p)
		var s sight
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			e, _ := io.ReadAll(p.Stderr)
			t.Fatalf("%v\n%s\n%s", err, out, e)
		}
		t.Log(p.Capability(), s.Root, s.FDs)
		refused := []string{"tcp", "inet", "inet6", "netlink", "vsock", "packet", "dns", "secret", "root", "environ", "write /", "write /usr", "write " + o.folder,
			"write self", "unshare", "mount", "ptrace", "io_uring"}
		if m != modePlain {
			refused = append(refused, "unix", "abstract", "passwd", "write /dev", "write /plugin", "signal")
			if strings.Join(s.Pids, " ") != "1" {
				t.Errorf("sees processes %v", s.Pids)
			}
			for _, name := range s.Root {
				if slices.Contains([]string{"home", "root", "var", "work", "sys", "mnt", "boot", "srv", "old", "new"}, name) {
					t.Errorf("sees /%s", name)
				}
			}
			if len(s.Bounding) != 0 {
				t.Errorf("capabilities bounded by %v", s.Bounding)
			}
			if s.UID != innerUser {
				t.Errorf("is user %d", s.UID)
			}
		}
		for _, name := range refused {
			if e, tried := s.Tries[name]; e == "ok" || !tried {
				t.Errorf("%s: %q", name, e)
			}
		}
		if s.Tries["tmp"] != "ok" {
			t.Errorf("its own temporary file: %s", s.Tries["tmp"])
		}
		if s.Capabilities != "[0 0 0 0 0 0]" {
			t.Errorf("has capabilities %s", s.Capabilities)
		}
		if s.NoNewPrivs != 1 || s.Seccomp != 2 {
			t.Errorf("no_new_privs %d, seccomp %d", s.NoNewPrivs, s.Seccomp)
		}
		for _, kv := range s.Env {
			name, _, _ := strings.Cut(kv, "=")
			if !slices.Contains([]string{"PATH", "LANG", "TZ", "HOME", "TMPDIR", "PLUGIN_UNIX_SOCKET_DIR", "CLOVE_PLUGIN_HOST", "CLOVE_PLUGIN_DATA",
				"GOMEMLIMIT", childEnv, "OUTSIDE", "TCP", "ABSTRACT", "PARENT"}, name) {
				t.Errorf("environment has %s", name)
			}
		}
		for _, target := range s.FDs {
			if !strings.HasPrefix(target, "pipe:") && target != "/dev/null" && !strings.HasPrefix(target, "/proc/") {
				t.Errorf("has descriptor of %s", target)
			}
		}
	})
}

func TestChildTalksToClove(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		p := run(t, m, newOutside(t), self(t), 0, childEnv+"=dial")
		if out := output(t, p); out != "CLOVE_PLUGIN_HOST <nil>\nCLOVE_PLUGIN_DATA <nil>\n" {
			t.Errorf("%q", out)
		}
	})
}

func TestDialReachesOnlySocketsOfTheChild(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		o := newOutside(t)
		p := run(t, m, o, self(t), 0, childEnv+"=listen")
		_ = p.Stdout.SetReadDeadline(time.Now().Add(patience))
		line, err := bufio.NewReader(p.Stdout).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "listening") {
			t.Fatal(line, err)
		}
		folder := strings.TrimSpace(strings.TrimPrefix(line, "listening"))
		c, err := p.Dial(t.Context(), filepath.Join(folder, "own"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "hello")
		_ = c.(*net.UnixConn).CloseWrite()
		if b, err := io.ReadAll(c); string(b) != "hello" {
			t.Errorf("%q, %v", b, err)
		}
		for _, path := range []string{folder + "/link", folder + "/file", folder + "/none", folder, o.folder + "/other.sock", folder + "/../x", "/run/plugin/", "own", "", folder + "/."} {
			if c, err := p.Dial(t.Context(), path); err == nil {
				_ = c.Close()
				t.Errorf("connected to %q", path)
			}
		}
		p.Kill()
		if _, err := p.Dial(t.Context(), filepath.Join(folder, "own")); !errors.Is(err, ErrEnded) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestMemoryIsLimited(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector reserves more than any limit")
	}
	p := run(t, first(t), newOutside(t), self(t), 64<<20, childEnv+"=eat")
	if out := output(t, p); strings.Contains(out, "ate") {
		t.Errorf("%q", out)
	}
	<-p.Done()
	if p.Err() == nil {
		t.Error("ended well")
	}
}

func TestProcessesAreLimited(t *testing.T) {
	m := first(t)
	if m == modePlain || !kernelAtLeast(5, 14) {
		t.Skip("without namespaces the kernel counts all processes of a user")
	}
	if m == modeSingle && os.Geteuid() == 0 {
		t.Skip("root has no such limit")
	}
	p := run(t, m, newOutside(t), self(t), 0, childEnv+"=fork")
	var n int
	if out := output(t, p); !scan(out, "forked %d", &n) || n > maxProcesses || n < 10 {
		t.Errorf("%q", out)
	}
}

func scan(s, format string, args ...any) bool {
	n, err := fmt.Sscanf(s, format, args...)
	return err == nil && n == len(args)
}

func first(t *testing.T) mode {
	t.Helper()
	m, _ := probe()
	return m
}

// With the process all that it started ends: the pipe that they hold closes.
func TestKillEndsTheFamily(t *testing.T) {
	if first(t) == modePlain {
		t.Skip("without namespaces a child that leaves the group goes on")
	}
	p := run(t, first(t), newOutside(t), self(t), 0, childEnv+"=family")
	_ = p.Stdout.SetReadDeadline(time.Now().Add(patience))
	r := bufio.NewReader(p.Stdout)
	if line, err := r.ReadString('\n'); line != "family true\n" {
		t.Fatal(line, err)
	}
	began := time.Now()
	p.Kill()
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("somebody holds the pipe %v after the end: %v", time.Since(began), err)
	}
}

func TestWhatRunsIsWhatWasHashed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plugin")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho good\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	o := newOutside(t)
	eachMode(t, func(t *testing.T, m mode) {
		if out := output(t, run(t, m, o, b, 0)); out != "good\n" {
			t.Errorf("%q", out)
		}
	})
	// The same file, rewritten in place.
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho evil\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), Spec{Binary: b, Folder: o.run})
	if err == nil || !strings.Contains(err.Error(), ErrChanged.Error()) {
		t.Errorf("%v", err)
	}
	// Another file under its name: what was opened runs.
	_ = os.WriteFile(path, []byte("#!/bin/sh\necho good\n"), 0o755)
	other := path + ".new"
	_ = os.WriteFile(other, []byte("#!/bin/sh\necho evil\n"), 0o755)
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if out := output(t, run(t, first(t), o, b, 0)); out != "good\n" {
		t.Errorf("%q", out)
	}
}

func TestPythonRuns(t *testing.T) {
	const python = "/usr/bin/python3"
	if _, err := os.Stat(python); err != nil {
		if os.Getenv("CLOVE_INTEROP") == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "plugin.py")
	if err := os.WriteFile(path, []byte("#!"+python+"\nimport socket, ssl, threading, tempfile\nprint(tempfile.mkstemp() and 'good')\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	eachMode(t, func(t *testing.T, m mode) {
		p := run(t, m, newOutside(t), b, 0)
		if out := output(t, p); out != "good\n" {
			e, _ := io.ReadAll(p.Stderr)
			t.Errorf("%q\n%s", out, e)
		}
	})
}

func TestStaticBinaryGetsNoSystem(t *testing.T) {
	folder := t.TempDir()
	source := filepath.Join(folder, "main.go")
	path := filepath.Join(folder, "static")
	err := os.WriteFile(source, []byte("package main\nimport (\"fmt\"; \"os\")\nfunc main() { e, _ := os.ReadDir(\"/\"); for _, x := range e { fmt.Print(x.Name(), \" \") } }\n"), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	m := first(t)
	if m == modePlain {
		t.Skip("no root of its own")
	}
	if out := output(t, run(t, m, newOutside(t), b, 0)); out != "dev plugin proc run tmp " {
		t.Errorf("%q", out)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Spec{Binary: self(t), Folder: newOutside(t).run}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestProbeSaysWhatIsMissing(t *testing.T) {
	c := Probe()
	t.Log(c)
	plain, err := try(modePlain)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(plain)
	if plain.Full() || plain.Namespaces || plain.Dies || !strings.Contains(plain.String(), "namespaces") {
		t.Errorf("%+v", plain)
	}
	if c.Namespaces != c.Full() {
		t.Errorf("%+v", c)
	}
}
