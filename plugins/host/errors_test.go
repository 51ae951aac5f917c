package host_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/sandbox"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Each thing that a user can get wrong is told with what to do about it.
func TestPluginErrorsNameTheRemedy(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	own := filepath.Join(b.data, "plugins")
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	in := func(name string, s script) (string, host.PluginConfig) {
		path := filepath.Join(own, "clove-plugin-"+name)
		sum := program(t, path, s)
		return path, host.PluginConfig{Path: path, SHA256: sum, Permissions: []string{}, Memory: memory}
	}
	for name, c := range map[string]struct {
		make func(name string) host.PluginConfig
		is   error
		want []string
	}{
		"changed": {func(name string) host.PluginConfig {
			_, cfg := in(name, script{})
			in(name, script{Version: "2"})
			return cfg
		}, host.ErrChecksum, []string{"clove plugin upgrade changed --sha256 "}},
		"unregistered": {func(name string) host.PluginConfig {
			_, cfg := in(name, script{})
			cfg.SHA256 = ""
			return cfg
		}, host.ErrUnregistered, []string{"clove plugin add", "--sha256 "}},
		"writable": {func(name string) host.PluginConfig {
			path, cfg := in(name, script{})
			if err := os.Chmod(path, 0o775); err != nil {
				t.Fatal(err)
			}
			return cfg
		}, sandbox.ErrUnsafe, []string{"chmod go-w"}},
		"symlink": {func(name string) host.PluginConfig {
			path, cfg := in(name, script{})
			if err := errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path)); err != nil {
				t.Fatal(err)
			}
			return cfg
		}, sandbox.ErrUnsafe, []string{"symlink", "name the file itself"}},
		"future": {func(name string) host.PluginConfig {
			_, cfg := in(name, script{Behaviour: "future", Protocol: 2})
			return cfg
		}, host.ErrProtocol, []string{"version 2", "version 1", "get a build"}},
		"missing": {func(name string) host.PluginConfig {
			return host.PluginConfig{SHA256: strings.Repeat("0", 64)}
		}, os.ErrNotExist, []string{"clove-plugin-missing", own, "set path"}},
		"relative": {func(name string) host.PluginConfig { return host.PluginConfig{Path: "x/y"} }, nil, []string{"write the whole path"}},
		"exit": {func(name string) host.PluginConfig {
			_, cfg := in(name, script{Behaviour: "exit"})
			return cfg
		}, nil, []string{"ended before", "cannot find my hat"}},
		"chatty": {func(name string) host.PluginConfig {
			_, cfg := in(name, script{Behaviour: "chatty"})
			return cfg
		}, nil, []string{"handshake", "hello, I am a plugin?[31m"}},
		"silent": {func(name string) host.PluginConfig {
			_, cfg := in(name, script{Behaviour: "silent"})
			return cfg
		}, nil, []string{"within 10s"}},
		"elsewhere": {func(name string) host.PluginConfig {
			_, cfg := in(name, script{Behaviour: "elsewhere", Outside: b.data})
			return cfg
		}, nil, []string{"not in its folder"}},
		"tcp": {func(name string) host.PluginConfig {
			_, cfg := in(name, script{Behaviour: "tcp", Address: "127.0.0.1:1"})
			return cfg
		}, nil, []string{"unix socket"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := c.make(name)
			b.desired.Plugins = map[string]host.PluginConfig{name: cfg}
			plan := b.apply()
			text := strings.Join(plan.Problems, "\n")
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in %q", want, text)
				}
			}
			if p := b.plugin(name); p.State != host.PluginFailed || !strings.Contains(p.Error, c.want[0]) {
				t.Errorf("%+v", p)
			}
			if c.is != nil && name != "unregistered" {
				if _, err := b.host.Inspect(b.ctx, name, cfg); !errors.Is(err, c.is) {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

func TestTunnelErrorsNameTheRemedy(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{Refuse: "grr"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b.applied()
	for name, c := range map[string]struct {
		typ      string
		settings map[string]any
		want     []string
		valid    bool
	}{
		"unknown setting":   {"test-local", map[string]any{"listen": "127.0.0.1:0", "greting": "x"}, []string{"greting", "did you mean greeting?"}, false},
		"unknown type":      {"tset-local", nil, []string{"did you mean test-local?"}, false},
		"required":          {"test-local", nil, []string{"listen: it is missing", `listen = "127.0.0.1:8080"`}, false},
		"wrong type":        {"test-local", map[string]any{"listen": "127.0.0.1:0", "idle": int64(5)}, []string{"idle", "duration"}, false},
		"choice":            {"test-local", map[string]any{"listen": "127.0.0.1:0", "mode": "fasst"}, []string{`did you mean "fast"?`}, false},
		"no address":        {"test-local", map[string]any{"listen": "here"}, []string{"listen", "host:port"}, false},
		"refused by plugin": {"test-local", map[string]any{"listen": "127.0.0.1:0", "greeting": "grr"}, []string{"greeting: not polite; say hello"}, false},
		"port in use":       {"test-local", map[string]any{"listen": l.Addr().String()}, []string{l.Addr().String(), "in use"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := host.TunnelConfig{Type: c.typ, Enabled: true, Settings: c.settings}
			err := b.host.Validate(b.ctx, "x", cfg)
			if c.valid != (err == nil) || err != nil && !errors.Is(err, host.ErrSettings) {
				t.Errorf("%v", err)
			}
			b.desired.Tunnels = map[string]host.TunnelConfig{"x": cfg}
			plan := b.apply()
			s := b.tunnel("x")
			for _, want := range c.want {
				if !strings.Contains(s.Error, want) || !strings.Contains(strings.Join(plan.Problems, "\n"), want) {
					t.Errorf("%q is not in %q and %q", want, s.Error, plan.Problems)
				}
				if err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
			if s.State != host.TunnelFailed {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestMissingPermissionSaysHowToGrantIt(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("tester", script{})
	cfg := b.desired.Plugins["tester"]
	cfg.Permissions = []string{"listen-i2p"}
	b.desired.Plugins["tester"] = cfg
	b.local("a", "test-local", "hi")
	plan := b.apply()
	if text := strings.Join(plan.Problems, "\n"); !strings.Contains(text, "permission listen-local is not granted") || !strings.Contains(text, "--grant listen-local") {
		t.Errorf("%q", text)
	}
	if p := b.plugin("tester"); p.Denials["listen-local"] == 0 {
		t.Errorf("%+v", p)
	}
	// Granted, it works, with the same tunnel.
	cfg.Permissions = allPermissions
	b.desired.Plugins["tester"] = cfg
	b.applied()
	if s := b.tunnel("a"); s.State != host.TunnelRunning {
		t.Errorf("%+v", s)
	}
	cfg.Permissions = []string{"listen-lokal"}
	if _, err := b.host.Apply(b.ctx, host.Desired{Plugins: map[string]host.PluginConfig{"tester": cfg}}); err == nil || !strings.Contains(err.Error(), "use one of") {
		t.Errorf("%v", err)
	}
}

func TestTypesOfTwoPluginsCollide(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("first", script{})
	b.applied()
	b.install("second", script{Version: "2"})
	plan := b.apply()
	if text := strings.Join(plan.Problems, "\n"); !strings.Contains(text, "plugins first and second both serve tunnel type test-local") {
		t.Errorf("%q", text)
	}
	if b.plugin("first").State == host.PluginFailed || b.plugin("second").State != host.PluginFailed {
		t.Errorf("%+v", b.host.Plugins())
	}
}

func TestBundledPluginNeedsNoRegistration(t *testing.T) {
	t.Parallel()
	if memory != 0 {
		t.Skip("the race detector needs a section for its memory")
	}
	b := newBed(t)
	program(t, filepath.Join(b.beside, "clove-plugin-tester"), script{Clearnet: true})
	address := b.local("a", "test-local", "hi")
	b.applied()
	b.connect(address)
	p := b.plugin("tester")
	if !p.Bundled || strings.Join(p.Granted, " ") != "listen-local listen-i2p" || strings.Join(p.Asked, " ") != "listen-local listen-i2p dial-clearnet" {
		t.Errorf("%+v", p)
	}
	if found := b.host.Discover(); len(found) != 1 || found[0].Name != "tester" || !found[0].Bundled {
		t.Errorf("%+v", found)
	}
}
