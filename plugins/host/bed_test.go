package host_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/host/sandbox"
	"clove.i2p/plugins/plugintest/fakenet"
)

// patience is for what takes milliseconds on an idle machine.
const patience = 90 * time.Second

var allPermissions = []string{"dial-i2p", "listen-i2p", "dial-local", "listen-local", "read-files"}

// bed is a host with its gate, a folder of bundled plugins, and what is desired.
type bed struct {
	t       testing.TB
	ctx     context.Context
	data    string
	beside  string
	net     *fakenet.Network
	gate    *gate.Gate
	host    *host.Host
	log     *buffer
	desired host.Desired
	stop    func()
}

type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newBed(t testing.TB, change ...func(*host.Config)) *bed {
	t.Helper()
	b := &bed{
		t: t, data: t.TempDir(), beside: t.TempDir(), net: fakenet.New(), log: &buffer{},
		desired: host.Desired{Plugins: map[string]host.PluginConfig{}, Tunnels: map[string]host.TunnelConfig{}},
	}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	var err error
	if b.gate, err = gate.New(gate.Config{Network: b.net, Log: log}); err != nil {
		t.Fatal(err)
	}
	cfg := host.Config{DataDir: b.data, Beside: b.beside, Drain: 20 * time.Second, Log: log, Gate: b.gate}
	for _, c := range change {
		c(&cfg)
	}
	if b.host, err = host.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.ctx = ctx
	ended := make(chan error, 1)
	go func() { ended <- b.host.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := b.gate.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		b.stop()
		if t.Failed() {
			text := b.log.String()
			t.Logf("end of the log:\n%s", text[max(0, len(text)-8<<10):])
		}
	})
	return b
}

// program writes a copy of the test binary that follows a script, and returns its checksum.
func program(t testing.TB, path string, s script) string {
	t.Helper()
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Skip(err)
	}
	defer self.Close()
	tail, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	w := io.MultiWriter(f, h)
	_, err = io.Copy(w, self)
	_, err2 := io.WriteString(w, scriptMark+string(tail))
	if err := errors.Join(err, err2, f.Close(), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// install registers a plugin.
func (b *bed) install(name string, s script) {
	b.t.Helper()
	path := filepath.Join(b.beside, "clove-plugin-"+name)
	sum := program(b.t, path, s)
	b.desired.Plugins[name] = host.PluginConfig{Path: path, SHA256: sum, Permissions: allPermissions, Memory: memory}
}

// local is the configuration of a good plugin's tunnel.
func (b *bed) local(name, typ, greeting string, settings ...any) string {
	b.t.Helper()
	address := freeAddress(b.t)
	all := map[string]any{"listen": address, "greeting": greeting}
	for i := 0; i < len(settings); i += 2 {
		all[settings[i].(string)] = settings[i+1]
	}
	b.desired.Tunnels[name] = host.TunnelConfig{Type: typ, Enabled: true, Settings: all}
	return address
}

// freeAddress is one that nobody else on this machine comes to: an address of 127.0.0.0/8 by chance.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:7000", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)))
	if err != nil {
		t.Skip("not all of 127.0.0.0/8 is this machine: ", err)
	}
	defer l.Close()
	return l.Addr().String()
}

// apply makes a copy of what is desired true.
func (b *bed) apply() host.Plan {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	d := host.Desired{Plugins: map[string]host.PluginConfig{}, Tunnels: map[string]host.TunnelConfig{}}
	for name, p := range b.desired.Plugins {
		d.Plugins[name] = p
	}
	for name, x := range b.desired.Tunnels {
		d.Tunnels[name] = x
	}
	plan, err := b.host.Apply(ctx, d)
	if err != nil {
		b.t.Fatal(err)
	}
	return plan
}

// applied is apply without problems.
func (b *bed) applied() host.Plan {
	b.t.Helper()
	plan := b.apply()
	if len(plan.Problems) > 0 {
		b.t.Fatal(plan.Problems)
	}
	return plan
}

func (b *bed) plugin(name string) host.PluginStatus {
	b.t.Helper()
	all := b.host.Plugins()
	i := slices.IndexFunc(all, func(p host.PluginStatus) bool { return p.Name == name })
	if i < 0 {
		b.t.Fatalf("no plugin %s", name)
	}
	return all[i]
}

func (b *bed) tunnel(name string) host.TunnelStatus {
	b.t.Helper()
	s, err := b.host.Tunnel(b.ctx, name)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// eventually waits until ok.
func (b *bed) eventually(what string, ok func() bool) time.Duration {
	b.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > patience {
			b.t.Fatalf("not in %v: %s", patience, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// client is a connection to a good plugin's tunnel.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// connect returns a connection, and the greeting: "VERSION GREETING".
func (b *bed) connect(address string) (*client, string) {
	b.t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	c := &client{conn, b.t, bufio.NewReader(conn)}
	line, err := c.r.ReadString('\n')
	if err != nil {
		b.t.Fatalf("no greeting from %s: %v", address, err)
	}
	return c, strings.TrimSpace(line)
}

// works says something, which has to come back.
func (c *client) works(text string) {
	c.t.Helper()
	if err := c.echo(text); err != nil {
		c.t.Fatalf("%q: %v", text, err)
	}
}

func (c *client) echo(text string) error {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintln(c, text); err != nil {
		return err
	}
	line, err := c.r.ReadString('\n')
	if err == nil && line != text+"\n" {
		err = fmt.Errorf("%q came back", line)
	}
	return err
}

func confined() bool { return sandbox.Probe().Namespaces }
