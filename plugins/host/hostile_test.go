package host_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/sandbox"
)

// bystander is a good plugin beside a villain, with an open connection. The function that is returned checks that both still work.
func (b *bed) bystander() func() {
	b.t.Helper()
	b.install("good", script{Version: "1", Types: []string{"good"}})
	address := b.local("good", "good-local", "hi")
	b.applied()
	c, _ := b.connect(address)
	pid := b.plugin("good").PID
	return func() {
		b.t.Helper()
		c.works("undisturbed")
		other, _ := b.connect(address)
		_ = other.Close()
		if p := b.plugin("good"); p.PID != pid || p.Restarts != 0 {
			b.t.Errorf("the bystander was disturbed: %+v", p)
		}
	}
}

func TestVillainReachesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	undisturbed := b.bystander()
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("key"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, n := range []struct{ network, address string }{{"unix", filepath.Join(outside, "other.sock")}, {"tcp", "127.0.0.1:0"}} {
		l, err := net.Listen(n.network, n.address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if n.network == "tcp" {
			b.install("villain", script{Behaviour: "try", Outside: outside, Address: l.Addr().String(), Pid: os.Getpid()})
		}
	}
	b.desired.Tunnels["v"] = host.TunnelConfig{Type: "villain", Enabled: true}
	b.applied()
	var texts []string
	b.eventually("it has tried all", func() bool {
		lines, err := b.host.Logs("villain")
		if err != nil {
			t.Fatal(err)
		}
		texts = nil
		for _, l := range lines {
			texts = append(texts, l.Text)
		}
		return slices.Contains(texts, "TRIED ALL")
	})
	for _, text := range texts {
		if strings.HasPrefix(text, "GOT ") && (confined() || text != "GOT unix" && text != "GOT kill") {
			t.Error(text)
		}
	}
	p := b.plugin("villain")
	if p.Denials["dial-clearnet"] == 0 || p.Denials["settings"] == 0 {
		t.Errorf("denials %v", p.Denials)
	}
	if strings.ContainsAny(p.Summary, "\x1b\x07") {
		t.Errorf("summary %q", p.Summary)
	}
	if m := b.tunnel("v").Metrics; len(m) != 64 || m["good"] != 1 {
		t.Errorf("%d metrics", len(m))
	}
	undisturbed()
}

func TestFloodHarmsNobody(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	undisturbed := b.bystander()
	b.install("villain", script{Behaviour: "flood"})
	b.desired.Tunnels["v"] = host.TunnelConfig{Type: "villain", Enabled: true}
	b.applied()
	b.eventually("lines come", func() bool { return b.plugin("villain").LogLines > 200 })
	began, first := time.Now(), b.plugin("villain").LogLines
	for time.Since(began) < 2*time.Second {
		undisturbed()
	}
	// 64 KiB a second of 1800 bytes each are 36 lines, by two ways; the bursts are 300.
	if n := b.plugin("villain").LogLines - first; n > 2000 {
		t.Errorf("%d lines in %v", n, time.Since(began))
	}
	lines, err := b.host.Logs("villain")
	if err != nil || len(lines) > 50 {
		t.Errorf("%d lines, %v", len(lines), err)
	}
	for _, l := range lines {
		if len(l.Text) > 1100 {
			t.Errorf("a line of %d bytes", len(l.Text))
		}
	}
	if n := len(b.log.String()); n > 4<<20 {
		t.Errorf("%d bytes of log", n)
	}
	undisturbed()
}

func TestHangingPluginHoldsUpNobody(t *testing.T) {
	for behaviour, want := range map[string]string{"hang-all": "did not answer Describe", "hang-validate": "did not answer Validate", "hang-start": "did not answer Start"} {
		t.Run(behaviour, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			undisturbed := b.bystander()
			b.install("villain", script{Behaviour: behaviour})
			b.desired.Tunnels["v"] = host.TunnelConfig{Type: "villain", Enabled: true}
			applied := make(chan host.Plan, 1)
			go func() { applied <- b.apply() }()
			var plan host.Plan
			for done := false; !done; {
				undisturbed()
				select {
				case plan = <-applied:
					done = true
				case <-time.After(100 * time.Millisecond):
				}
			}
			if s := b.tunnel("v"); s.State != host.TunnelFailed || !strings.Contains(s.Error+b.plugin("villain").Error, want) {
				t.Errorf("%+v", s)
			}
			if !strings.Contains(strings.Join(plan.Problems, "\n"), want) {
				t.Errorf("%q", plan.Problems)
			}
			undisturbed()
		})
	}
}

func TestHangingStopEnds(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	undisturbed := b.bystander()
	b.install("villain", script{Behaviour: "hang-stop"})
	b.desired.Tunnels["v"] = host.TunnelConfig{Type: "villain", Enabled: true}
	b.applied()
	pid := b.plugin("villain").PID
	delete(b.desired.Tunnels, "v")
	delete(b.desired.Plugins, "villain")
	if err := os.Remove(filepath.Join(b.beside, "clove-plugin-villain")); err != nil {
		t.Fatal(err)
	}
	b.applied()
	if _, err := os.Stat("/proc/" + itoa(pid)); err == nil {
		t.Error("it lives")
	}
	undisturbed()
}

func TestGigabyteIsRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.install("villain", script{Behaviour: "huge-describe"})
	cfg := b.desired.Plugins["villain"]
	cfg.Memory = sandbox.NoMemoryLimit // otherwise it cannot even make it
	b.desired.Plugins["villain"] = cfg
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	plan := b.apply()
	runtime.ReadMemStats(&after)
	if text := strings.Join(plan.Problems, "\n"); !strings.Contains(text, "larger than max") && !strings.Contains(text, "did not answer Describe") {
		t.Errorf("%q", text)
	}
	if grown := int64(after.Sys) - int64(before.Sys); grown > 512<<20 {
		t.Errorf("%d bytes more", grown)
	}
	if p := b.plugin("villain"); p.State != host.PluginFailed || p.PID != 0 {
		t.Errorf("%+v", p)
	}
}

func TestOddDescriptionsAreRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for behaviour, want := range map[string]string{"many-types": "1001 tunnel types", "own-key": "enabled is one of clove's own", "odd-type": "small letters"} {
		b.install(behaviour, script{Behaviour: behaviour})
		_, err := b.host.Inspect(b.ctx, behaviour, b.desired.Plugins[behaviour])
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", behaviour, err)
		}
	}
}

// What a setting names is what its tunnel may reach: a default must not be a plugin's way to grant itself the machine.
func TestDefaultsGrantNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for behaviour, want := range map[string]string{
		`default FOLDER ["/"]`: "grants", `default FILE ["~/.ssh/id_ed25519"]`: "grants", `default FOLDER [""]`: "",
		`default DIAL_ADDRESS ["192.168.0.1:80"]`: "grants", `default DIAL_ADDRESS ["name.evil.example:443"]`: "grants",
		`default DIAL_ADDRESS ["http://127.0.0.1:80/", "[::1]:1", "localhost:2"]`: "", `default DIAL_ADDRESS ["127.0.0.1"]`: "grants",
		`default LISTEN_ADDRESS ["127.0.0.2:0"]`: "", `default LISTEN_ADDRESS ["0.0.0.0:80"]`: "grants", `default LISTEN_ADDRESS [":80"]`: "grants",
		`default CLEARNET_PORTS ["80", "443"]`: "", `default CLEARNET_PORTS ["1-65535"]`: "grants",
		"default PLAIN [\"\u009b2J\"]": "control characters", `default PLAIN ["/"]`: "",
	} {
		b.install("villain", script{Behaviour: behaviour})
		_, err := b.host.Inspect(b.ctx, "villain", b.desired.Plugins["villain"])
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", behaviour, err, want)
		}
	}
}

// A plugin that says only after it was added that it serves another's type gets none of its tunnels.
func TestBundledPluginsKeepTheirTypes(t *testing.T) {
	t.Parallel()
	for range 5 {
		b := newBed(t)
		b.install("good", script{Version: "1", Types: []string{"good"}})
		delete(b.desired.Plugins, "good") // it is bundled: nobody registers it
		path := filepath.Join(b.data, "clove-plugin-a")
		b.desired.Plugins["a"] = host.PluginConfig{Path: path, SHA256: program(t, path, script{Types: []string{"good"}}), Memory: memory}
		b.local("x", "good-local", "hi", "password", "secret")
		problems := b.apply().Problems
		if s := b.tunnel("x"); s.Plugin != "good" || len(problems) == 0 || !strings.Contains(problems[0], "both serve") {
			t.Fatalf("%+v, %q", s, problems)
		}
		b.stop()
	}
}
