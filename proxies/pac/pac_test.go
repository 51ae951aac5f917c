package pac_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"clove.i2p/proxies/pac"
)

const proxy = "127.0.0.1:4444"

func file(t testing.TB, address string, outside pac.Outside) string {
	t.Helper()
	b, err := pac.File(netip.MustParseAddrPort(address), outside)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Without an engine: the file can return nothing but its two variables.
func TestFileNamesNothingButTheProxy(t *testing.T) {
	for _, outside := range []pac.Outside{pac.ToProxy, pac.ToNothing} {
		text := file(t, proxy, outside)
		code := regexp.MustCompile(`(?m)^//.*$`).ReplaceAllString(text, "")
		if strings.Contains(strings.ToUpper(code), "DIRECT") {
			t.Errorf("direct: %s", text)
		}
		returns := regexp.MustCompile(`return ([^;]*);`).FindAllStringSubmatch(code, -1)
		for _, r := range returns {
			if r[1] != "inside" && r[1] != "outside" {
				t.Errorf("returns %q", r[1])
			}
		}
		if len(returns) != 2 || strings.Count(code, "PROXY ") != 2 {
			t.Errorf("%d returns: %s", len(returns), text)
		}
		for _, asks := range []string{"dnsResolve", "isInNet", "isResolvable", "myIpAddress"} {
			if strings.Contains(code, asks) {
				t.Errorf("%s asks a name server", asks)
			}
		}
	}
}

func TestFileRunsInAnEngine(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CLOVE_INTEROP") == "required" {
			t.Fatal(err)
		}
		t.Skip("no node to run it: ", err)
	}
	const inside, dead = "PROXY " + proxy, "PROXY 127.0.0.1:9"
	cases := []struct{ url, host, toProxy, toNothing string }{
		{"http://example.i2p/", "example.i2p", inside, inside},
		{"http://EXAMPLE.I2P/", "EXAMPLE.I2P", inside, inside},
		{"http://example.i2p./", "example.i2p.", inside, inside},
		{"http://proxy.i2p/", "proxy.i2p", inside, inside},
		{"wss://a.b32.i2p/", "a.b32.i2p", inside, inside},
		{"http://example.org/", "example.org", inside, dead},
		{"https://example.org/x.i2p", "example.org", inside, dead},
		{"http://i2p/", "i2p", inside, dead},
		{"http://.i2p/", ".i2p", inside, dead},
		{"http://xi2p/", "xi2p", inside, dead},
		{"http://example.i2p.org/", "example.i2p.org", inside, dead},
		{"http://127.0.0.1:7657/", "127.0.0.1", inside, dead},
		{"http://[::1]/", "::1", inside, dead},
		{"http://localhost/", "localhost", inside, dead},
		{"ftp://intranet/", "intranet", inside, dead},
		{"", "", inside, dead},
		{"http://...../", ".....", inside, dead},
	}
	for _, outside := range []pac.Outside{pac.ToProxy, pac.ToNothing} {
		var calls [][2]string
		for _, c := range cases {
			calls = append(calls, [2]string{c.url, c.host})
		}
		in, _ := json.Marshal(calls)
		script := "'use strict';" + file(t, proxy, outside) +
			"\nconsole.log(JSON.stringify(" + string(in) + ".map(function(c){return FindProxyForURL(c[0],c[1])})" +
			".concat([FindProxyForURL(), FindProxyForURL(null,null), FindProxyForURL({},[])])));"
		out, err := exec.CommandContext(t.Context(), node, "-e", script).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var got []string
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for i, answer := range got {
			want := inside
			if outside == pac.ToNothing {
				want = dead
			}
			name := "no arguments"
			if i < len(cases) {
				name, want = cases[i].host, cases[i].toProxy
				if outside == pac.ToNothing {
					want = cases[i].toNothing
				}
			}
			if answer != want {
				t.Errorf("%d: %q: got %q, want %q", outside, name, answer, want)
			}
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:4444": `"PROXY 127.0.0.1:4444"`, "[::1]:4444": `"PROXY [::1]:4444"`, "192.0.2.1:80": `"PROXY 192.0.2.1:80"`,
		"[::ffff:127.0.0.1]:4444": `"PROXY 127.0.0.1:4444"`,
	} {
		if text := file(t, address, pac.ToProxy); !strings.Contains(text, want) {
			t.Errorf("%s: %s", address, text)
		}
	}
	for _, address := range []netip.AddrPort{
		{}, netip.MustParseAddrPort("0.0.0.0:4444"), netip.MustParseAddrPort("[::]:4444"),
		netip.MustParseAddrPort("127.0.0.1:0"), netip.MustParseAddrPort("[fe80::1%eth0]:4444"),
	} {
		if b, err := pac.File(address, pac.ToProxy); err == nil {
			t.Errorf("%s: %s", address, b)
		}
	}
}

// FuzzFile: no address gets anything into the file but itself.
func FuzzFile(f *testing.F) {
	f.Add("127.0.0.1:4444")
	f.Add("[fe80::1%\";DIRECT]:80")
	f.Fuzz(func(t *testing.T, s string) {
		address, err := netip.ParseAddrPort(s)
		if err != nil {
			t.Skip()
		}
		b, err := pac.File(address, pac.ToNothing)
		if err != nil {
			return
		}
		if !regexp.MustCompile(`(?m)^  var inside = "PROXY [0-9a-f.:\[\]]+";$`).Match(b) || strings.Contains(string(b), "DIRECT") {
			t.Errorf("%s", b)
		}
	})
}
