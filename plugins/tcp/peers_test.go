package main

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/visitors"
)

func TestListsTakeNamesOfTheAddressBook(t *testing.T) {
	h := plugintest.NewHost(t)
	target := listen(t, says("in"))
	h.I2P.Address("friend.i2p")
	server := h.Start(plugin(), "tcp-server", settings{"target": target, "access_list": []string{"friend.i2p"}})
	if got := read(t, visit(t, h, "friend.i2p", server, 1)); got != "in" {
		t.Errorf("the friend got %q", got)
	}
	if got := read(t, visit(t, h, "stranger.i2p", server, 1)); got != "" {
		t.Errorf("a stranger got %q", got)
	}
	err := h.StartErr(plugin(), "tcp-server", settings{"target": target, "deny_list": []string{"unknown.i2p"}})
	if err == nil || !strings.Contains(err.Error(), "deny_list") || !strings.Contains(err.Error(), "unknown.i2p") {
		t.Errorf("a name that is in no address book: %v", err)
	}
	if server.Reload(settings{"target": target, "deny_list": []string{"unknown.i2p"}}) {
		t.Error("a list that cannot be made was taken")
	}
}

func TestProxyHeaderNamesTheVisitor(t *testing.T) {
	h := plugintest.NewHost(t)
	all := func(c net.Conn) {
		b, _ := io.ReadAll(c)
		c.Write(b)
	}
	target := listen(t, all)
	_, port, _ := net.SplitHostPort(target)
	alice, err := visitors.ParsePeer(h.I2P.Address("alice.i2p").Base32)
	if err != nil {
		t.Fatal(err)
	}
	server := h.Start(plugin(), "tcp-server", settings{"target": target, "proxy_protocol": "v1"})
	c := visit(t, h, "alice.i2p", server, 1)
	io.WriteString(c, "hello")
	c.(interface{ CloseWrite() error }).CloseWrite()
	if got, want := read(t, c), "PROXY TCP4 "+alice.Source().String()+" 127.0.0.1 0 "+port+"\r\nhello"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The bytes are written out by hand from the specification.
func TestProxyHeaderForm(t *testing.T) {
	p := visitors.Peer{1, 2, 3}
	name := p.Base32()
	signature := "0d0a0d0a000d0a515549540a"
	for _, c := range []struct{ version, target, want string }{
		{"v2", "127.0.0.1:80", signature + "21" + "11" + "004b" + "7f010203" + "7f000001" + "0000" + "0050" + "e0003c" + hex.EncodeToString([]byte(name))},
		{"v2", "[::1]:443", signature + "21" + "21" + "0063" + "fd010203000000000000000000000000" + "00000000000000000000000000000001" + "0000" + "01bb" + "e0003c" + hex.EncodeToString([]byte(name))},
		{"v1", "[::1]:443", hex.EncodeToString([]byte("PROXY TCP6 fd01:203:: ::1 0 443\r\n"))},
		{"v1", "localhost:22", hex.EncodeToString([]byte("PROXY TCP4 127.1.2.3 127.0.0.1 0 22\r\n"))},
	} {
		want, err := hex.DecodeString(c.want)
		if err != nil {
			t.Fatal(err)
		}
		if got := proxyHeader(c.version, c.target, p); !bytes.Equal(got, want) {
			t.Errorf("%s %s:\n%x\n%x", c.version, c.target, got, want)
		}
	}
}

func TestSources(t *testing.T) {
	p := visitors.Peer{1, 2, 3}
	for target, want := range map[string]string{
		"127.0.0.1:1": "127.1.2.3", "127.5.5.5:1": "127.1.2.3", "localhost:1": "127.1.2.3", "[::1]:1": "fd01:203::",
		"192.168.1.2:1": "", "[fd00::1]:1": "", "example:1": "",
	} {
		on, off := serverVersion{serverSettings: serverSettings{UniqueLocal: true}}, serverVersion{}
		a, ok := on.source(target, p)
		if want == "" != !ok || ok && a != netip.MustParseAddr(want) {
			t.Errorf("%s: %v %v", target, a, ok)
		}
		if _, ok := off.source(target, p); ok {
			t.Errorf("%s: a source without unique_local", target)
		}
	}
}
