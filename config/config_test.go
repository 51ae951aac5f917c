package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clove.i2p/config"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clove.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLayersOverrideEachOther(t *testing.T) {
	t.Setenv("HOME", "/home/u")
	l, err := config.Load(config.Sources{
		File: file(t, `
data_dir = "~/here"
[log]
level = "debug"
format = "json"
[router]
network_id = 5
allow_private_peers = true
floodfill = true
ntcp2 = { listen = "127.0.0.1:1000", advertise = "127.0.0.1" }
[router.bandwidth]
inbound = 250000
outbound = "2MiB"
[router.reseed]
files = ["~/a.zip",
  "/b"]
[proxies]
dial_timeout = "90s"
`),
		Environ: []string{
			"CLOVE_LOG__LEVEL=warn", "CLOVE_ROUTER__NTCP2__LISTEN=:2000", "CLOVE_ROUTER__RESEED__FILES=/x, /y",
			"CLOVE_ROUTER__TRANSIT=no", "CLOVE_ROUTER__TUNNELS__LENGTH=0", "PATH=/bin", "CLOVER=1", "CLOVE_INTEROP=required",
		},
		Flags: []config.Flag{{Name: "--log-level", Key: "log.level", Value: "error"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.DataDir = "/home/u/here"
	want.Log = config.Log{Level: "error", Format: "json"}
	want.Router.NetworkID, want.Router.AllowPrivatePeers, want.Router.Floodfill = 5, true, config.FloodfillOn
	want.Router.Transit = false
	want.Router.NTCP2 = config.Transport{Enabled: true, Listen: ":2000", Advertise: "127.0.0.1"}
	want.Router.Bandwidth.Inbound, want.Router.Bandwidth.Outbound = 250000, 2<<20
	want.Router.Reseed.Files = []string{"/x", "/y"}
	want.Router.Tunnels.Length = 0
	want.Proxies.DialTimeout = 90 * time.Second
	if d := cmp.Diff(want, l.Config); d != "" {
		t.Error(d)
	}
	for key, want := range map[string]string{
		"log.level": "--log-level", "log.format": l.File + ":5", "router.ntcp2.listen": "CLOVE_ROUTER__NTCP2__LISTEN",
		"router.ntcp2.advertise": l.File + ":10", "router.bandwidth.outbound": l.File + ":13",
		"router.tunnels.quantity": "default", "data_dir": l.File + ":2",
	} {
		if got := l.Origin(key).String(); got != want {
			t.Errorf("%s comes from %s, want %s", key, got, want)
		}
	}
	var shown []string
	for _, s := range l.Settings() {
		if s.Key == "router.reseed.files" || s.Key == "router.bandwidth.outbound" || s.Key == "proxies.dial_timeout" {
			shown = append(shown, s.Key+"="+s.Value)
		}
	}
	if got := strings.Join(shown, " "); got != "proxies.dial_timeout=1m30s router.bandwidth.outbound=2MiB router.reseed.files=/x,/y" {
		t.Errorf("shown: %s", got)
	}
}

func TestDataDirIsKnownWhereOtherSettingsAreWrong(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "clove.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	wrong := file("nonsense = 1\ndata_dir = \"/in/file\"\n")
	flag := []config.Flag{{Name: "--data-dir", Key: "data_dir", Value: "/in/flag"}, {Name: "--set", Key: "nonsense", Value: "x"}}
	for name, c := range map[string]struct {
		s    config.Sources
		want string
	}{
		"default":     {config.Sources{}, filepath.Join(dir, ".local/share/clove")},
		"flag":        {config.Sources{File: wrong, Environ: []string{"CLOVE_DATA_DIR=/in/environment"}, Flags: flag}, "/in/flag"},
		"environment": {config.Sources{File: wrong, Environ: []string{"CLOVE_DATA_DIR=/in/environment", "CLOVE_NONSENSE=1"}}, "/in/environment"},
		"file":        {config.Sources{File: wrong}, "/in/file"},
		"no TOML":     {config.Sources{File: file("[data_dir = \"/in/file\"\n")}, ""}, // it could be any
	} {
		if got, err := config.DataDir(c.s); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestDefaultsAreValid(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	l, err := config.Load(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if l.File != "" || len(l.Notes()) != 0 {
		t.Errorf("file %q, notes %v", l.File, l.Notes())
	}
	if err := config.Default().Validate(); err != nil {
		t.Error(err)
	}
}

func TestWrongSettingsAreAllNamed(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	for _, c := range []struct {
		name, file string
		env        []string
		flags      []config.Flag
		want       []string // in the error; FILE is the path
	}{
		{name: "unknown", file: "[routr]\nx = 1\n[router]\nntcp3.listen = \"a\"\ntransitt = true\n[router.reseed]\nzzzzzzzz = 1\n", want: []string{
			"FILE:1: routr: unknown key; do you mean router?", "FILE:4: router.ntcp3: unknown key; do you mean router.ntcp2?",
			"FILE:5: router.transitt: unknown key; do you mean router.transit?", "FILE:7: router.reseed.zzzzzzzz: unknown key",
		}},
		{name: "wrong section", file: "listen = \"127.0.0.1:1\"", want: []string{"FILE:1: listen: unknown key; do you mean proxies.http.listen?"}},
		{name: "nothing to connect with", file: "[router]\nipv4 = false\nipv6 = false\npost_quantum = [\"kyber\"]\nupstream = \"socks5://proxy.example:1080\"\n", want: []string{
			"router.ipv4: and router.ipv6 are both off", "router.post_quantum: want one of mlkem512", `proxy host "proxy.example": it must be an IP address`,
		}},
		{name: "no transport", env: []string{"CLOVE_ROUTER__NTCP2__ENABLED=false", "CLOVE_ROUTER__SSU2__ENABLED=false", "CLOVE_ROUTER__POST_QUANTUM=mlkem512,mlkem512", "CLOVE_ROUTER__UPSTREAM=https://127.0.0.1:1"}, want: []string{
			"router.ntcp2.enabled: and router.ssu2.enabled are both off", "mlkem512 is there twice", `router.upstream: upstream: proxy of kind "https"`,
		}},
		{name: "addresses that are none", file: "[router]\nipv6 = false\n[router.ntcp2]\nlisten = \"[2001:db8::1]:5\"\nadvertise = \"0.0.0.0\"\n[router.ssu2]\nadvertise = \"[ff02::1]:5\"\nbatching = \"all\"\n", want: []string{
			"FILE:4: router.ntcp2.listen: 2001:db8::1 is of an IP version", "FILE:5: router.ntcp2.advertise: want the address at which", "FILE:7: router.ssu2.advertise: want the address",
			"FILE:8: router.ssu2.batching: want one of auto",
		}},
		{name: "quoted dots", file: "\"router.transit\" = true", want: []string{"FILE:1: router.transit: unknown key"}},
		{name: "types", file: "log = 3\n[router]\nnetwork_id = \"2\"\ntransit = 1\nfloodfill = \"maybe\"\n[router.bandwidth]\ninbound = \"fast\"\noutbound = 1.5\n" +
			"[router.reseed]\nfiles = \"a\"\nurls = [1]\n[proxies]\ndial_timeout = 30\nhttp.listen = 4444\n[router.tunnels.length]\n", want: []string{
			"FILE:1: log: is a section", `FILE:3: router.network_id: want a number, not "2"`, "FILE:4: router.transit: want true or false, not 1",
			`FILE:5: router.floodfill: want auto, on or off, not "maybe"`, "FILE:7: router.bandwidth.inbound: bandwidth: \"fast\"",
			"FILE:8: router.bandwidth.outbound: want a string, not 1.5", `FILE:10: router.reseed.files: want a list`,
			"FILE:11: router.reseed.urls: want strings in the list, not 1", "FILE:13: proxies.dial_timeout: want a duration with its unit",
			"FILE:14: proxies.http.listen: want a string in quotes, not 4444", "FILE:15: router.tunnels.length: want a number, not a section",
		}},
		{name: "values", file: "data_dir = \"\"\n[log]\nlevel = \"loud\"\nformat = \"xml\"\n[router]\nnetwork_id = 256\n[router.bandwidth]\nshare = 101\n" +
			"[router.ntcp2]\nlisten = \"localhost:1\"\nadvertise = \"me.example.org\"\n[router.tunnels]\nlength = 8\nquantity = 0\n[router.reseed]\nurls = [\"http://a/\"]\n" +
			"[proxies]\nidle_timeout = \"1ms\"\nsocks.listen = \"4447\"\n", want: []string{
			"FILE:1: data_dir: is empty", "FILE:3: log.level: want one of debug, info, warn, error", "FILE:4: log.format: ",
			"FILE:6: router.network_id: want 1 to 255, not 256", "FILE:8: router.bandwidth.share: ", "FILE:10: router.ntcp2.listen: want IP:port or :port",
			"FILE:11: router.ntcp2.advertise: ", "FILE:13: router.tunnels.length: want 0 to 7", "FILE:14: router.tunnels.quantity: ",
			"FILE:16: router.reseed.urls: want an https:// URL", "FILE:18: proxies.idle_timeout: ", "FILE:19: proxies.socks.listen: want host:port",
		}},
		{name: "public network", file: "[router]\nallow_private_peers = true\n", want: []string{"FILE:2: router.allow_private_peers: not on network 2"}},
		{name: "tables", file: "[tunnels.irc]\nlisten = 1\n[tunnels.Bad]\ntype = \"x\"\n[plugins.irc]\npth = \"x\"\nmemory = true\n" +
			"[[proxies.rules]]\nmatch = \"*\"\n[[proxies.rules]]\nmatch = [\"*.org\"]\naction = \"outproxy\"\nvia = \"exit\"\nprots = 1\n", want: []string{
			"FILE:6: plugins.irc.pth: unknown key; do you mean plugins.irc.path?", "FILE:7: plugins.irc.memory: ",
			"FILE:8: proxies.rules: rule 2: unknown key prots; a rule has [action ",
		}},
		{name: "table values", file: "[tunnels.irc]\nlisten = 1\n[tunnels.Bad]\ntype = \"x\"\n[[proxies.rules]]\nmatch = \"*\"\n[[proxies.rules]]\n" +
			"match = [\"*.org\"]\naction = \"outproxy\"\nvia = \"exit\"\n", want: []string{
			"FILE:1: tunnels.irc.type: is missing", "FILE:3: tunnels.Bad: the name \"Bad\": want letters a-z",
			"FILE:5: proxies.rules: rule 1: action: want one of i2p, outproxy, block, not \"\"\nrule 2: via: there is no tunnel exit",
		}},
		{name: "environment", env: []string{"CLOVE_ROUTER__TRANSIT=maybe", "CLOVE_ROUTER_TRANSIT=true", "CLOVE_ROUTER=1", "CLOVE_ROUTER__NETWORK_ID=two", "CLOVE_PROXIES__DIAL_TIMEOUT=30", "CLOVE_=1"}, want: []string{
			`CLOVE_ROUTER__TRANSIT: router.transit: want true or false, not "maybe"`, "CLOVE_ROUTER_TRANSIT: router_transit: unknown key; do you mean router.transit?",
			"CLOVE_ROUTER: router: is a section", `CLOVE_ROUTER__NETWORK_ID: router.network_id: want a number, not "two"`, "CLOVE_PROXIES__DIAL_TIMEOUT: ",
		}},
		{name: "flags", flags: []config.Flag{{Name: "--set", Key: "log.levle", Value: "info"}}, want: []string{"--set: log.levle: unknown key; do you mean log.level?"}},
		{name: "syntax", file: "[log]\nlevel = oops\n", want: []string{"FILE:2:9: toml: "}},
		{name: "twice", file: "[log]\nlevel = \"info\"\nlevel = \"warn\"\n", want: []string{"FILE"}},
	} {
		s := config.Sources{Environ: c.env, Flags: c.flags}
		if c.file != "" {
			s.File = file(t, c.file)
		}
		_, err := config.Load(s)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, want := range c.want {
			if want = strings.ReplaceAll(want, "FILE", s.File); !strings.Contains(err.Error(), want) {
				t.Errorf("%s: want %q in\n%v", c.name, want, err)
			}
		}
		var errs config.Errors
		if errors.As(err, &errs) && len(c.want) > 1 && len(errs) < len(c.want) {
			t.Errorf("%s: %d errors\n%v", c.name, len(errs), err)
		}
	}
}

func TestFileOfTheDataDirectory(t *testing.T) {
	dir := t.TempDir()
	flag := config.Flag{Name: "--data-dir", Key: "data_dir", Value: dir}
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte("log.level = \"warn\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := config.Load(config.Sources{Flags: []config.Flag{flag}})
	if err != nil || l.Log.Level != "warn" || l.File != filepath.Join(dir, config.FileName) || l.DataDir != dir {
		t.Errorf("%v, %+v", err, l)
	}
	l, err = config.Load(config.Sources{Environ: []string{"CLOVE_DATA_DIR=" + dir}})
	if err != nil || l.Log.Level != "warn" {
		t.Errorf("environment: %v, %+v", err, l)
	}
	_, err = config.Load(config.Sources{File: filepath.Join(dir, "none.toml")})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "config init") {
		t.Errorf("file that is not there: %v", err)
	}
}

func TestNotes(t *testing.T) {
	l, err := config.Load(config.Sources{Environ: []string{
		"CLOVE_DATA_DIR=" + t.TempDir(), "CLOVE_ROUTER__RESEED__URLS=https://seed.example", "CLOVE_ROUTER__UPSTREAM=socks5://me:verysecret@127.0.0.1:9050", "CLOVE_PROXIES__HTTP__LISTEN=0.0.0.0:4444", "CLOVE_PROXIES__SOCKS__LISTEN=",
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(l.Notes(), "\n")
	if len(l.Notes()) != 3 || !strings.Contains(got, "router.reseed.urls has no effect") || !strings.Contains(got, "everybody who reaches") ||
		!strings.Contains(got, "through that proxy") {
		t.Errorf("notes:\n%s", got)
	}
	for _, s := range l.Settings() {
		if strings.Contains(s.Value, "verysecret") {
			t.Errorf("%s = %s", s.Key, s.Value)
		}
	}
}

// The configuration takes what the router takes.
func TestUpstreamProxies(t *testing.T) {
	for url, ok := range map[string]bool{
		"socks5://127.0.0.1:9050": true, "http://127.0.0.1:3128/": true, "socks5://localhost:9050": true, "http://u@[::1]:1": true,
		"socks5://u@127.0.0.1:1": false, "socks5://0.0.0.0:1": false, "socks5://127.0.0.1:0": false, "http://127.0.0.1:1/x": false,
	} {
		c := config.Default()
		c.Router.Upstream = url
		if err := c.Validate(); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestNoteOnWhatGoesAroundTheUpstreamProxy(t *testing.T) {
	for upstream, want := range map[string]int{"": 0, "socks5://127.0.0.1:1": 1} {
		file := filepath.Join(t.TempDir(), "clove.toml")
		doc := "data_dir = \"/nowhere\"\n[router]\nupstream = \"" + upstream + "\"\n[plugins.outproxy]\npermissions = [\"dial-clearnet\"]\n" +
			"[plugins.irc]\npermissions = [\"dial-i2p\"]\n[plugins.old]\nenabled = false\npermissions = [\"dial-clearnet\"]\n"
		if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := config.Load(config.Sources{File: file})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(strings.Join(l.Notes(), "\n"), "does not go through router.upstream"); n != want {
			t.Errorf("%q: %q", upstream, l.Notes())
		}
	}
}

func TestVariablesOfTheTestsAreNoSettings(t *testing.T) {
	for _, name := range []string{"CLOVE_INTEROP=1", "CLOVE_NATLAB=1", "CLOVE_HYBRID_I2PD=/x", "CLOVE_TESTNET_INSIDE=1", "CLOVE_TEST_SERVE=1"} {
		if _, err := config.Load(config.Sources{Environ: []string{"CLOVE_DATA_DIR=" + t.TempDir(), name}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNotesOnSettingsOfWhoIsNotReached(t *testing.T) {
	l, err := config.Load(config.Sources{Environ: []string{
		"CLOVE_DATA_DIR=" + t.TempDir(), "CLOVE_ROUTER__HIDDEN=true", "CLOVE_ROUTER__FLOODFILL=on", "CLOVE_ROUTER__SSU2__ADVERTISE=11.0.0.1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(l.Notes(), "\n")
	if len(l.Notes()) != 2 || !strings.Contains(got, "router.floodfill has no effect") || !strings.Contains(got, "router.ssu2.advertise has no effect") {
		t.Errorf("notes:\n%s", got)
	}
}

func TestManagedSettingsComeBeforeTheFile(t *testing.T) {
	dir := t.TempDir()
	m, err := config.ReadManaged(dir)
	if err != nil {
		t.Fatal(err)
	}
	m.Tunnels["irc"] = map[string]any{"type": "irc-client", "destination": []string{"irc.i2p"}, "listen": "127.0.0.1:1", "dcc": true}
	m.Plugins["mine"] = map[string]any{"path": "x", "memory": "64MB", "enabled": false}
	if err := m.Write(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, config.ManagedName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want a file for its owner", info, err)
	}
	file := filepath.Join(dir, config.FileName)
	if err := os.WriteFile(file, []byte("[tunnels.irc]\nlisten = \"127.0.0.1:2\"\n[tunnels.web]\ntype = \"x\"\nports = { 80 = \"a:1\" }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := config.Load(config.Sources{
		Environ: []string{"CLOVE_TUNNELS__IRC__DCC=false", "CLOVE_PLUGINS__MINE__FILES=7"},
		Flags:   []config.Flag{{Name: "--data-dir", Key: "data_dir", Value: dir}, {Name: "--set", Key: "tunnels.irc.password", Value: "p w"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	off := false
	wantTunnels := map[string]map[string]any{
		"irc": {"type": "irc-client", "destination": []any{"irc.i2p"}, "listen": "127.0.0.1:2", "dcc": false, "password": "p w"},
		"web": {"type": "x", "ports": map[string]any{"80": "a:1"}},
	}
	if d := cmp.Diff(wantTunnels, l.Tunnels); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]config.Plugin{"mine": {Path: "x", Memory: 64e6, Files: 7, Enabled: &off}}, l.Plugins); d != "" {
		t.Error(d)
	}
	for _, s := range l.Settings() {
		if s.Key == "tunnels.irc.password" && s.Value == "p w" {
			t.Error("a password is shown")
		}
	}
	if o := l.Origin("tunnels.irc.type").String(); o != filepath.Join(dir, config.ManagedName)+":7" && !strings.Contains(o, config.ManagedName) {
		t.Errorf("type comes from %s", o)
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	l, err := config.Load(config.Sources{File: file(t, `
data_dir = "/nowhere"
[tunnels.exit]
type = "outproxy-server"
users = { alice = "hidden 1" }
[tunnels.out]
type = "outproxy-client"
credentials = { "exit.i2p" = "bob:hidden 2" }
[tunnels.irc]
type = "irc-server"
webirc_password = "hidden 3"
[tunnels.users]
type = "seen"
`)})
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, s := range l.Settings() {
		if strings.Contains(s.Value, "hidden") {
			t.Errorf("%s = %s", s.Key, s.Value)
		}
		seen = seen || s.Value == "seen"
	}
	if !seen {
		t.Error("what is no password is not shown either")
	}
}
