package main

import (
	"io"
	"net"
	"strings"
	"testing"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/router"
	"clove.i2p/router/transport"
)

// What a user who cannot be reached gets to see.
func TestStatusOfAFirewalledRouter(t *testing.T) {
	s := control.Status{
		Addresses: []control.Address{{Style: "NTCP2"}, {Style: "SSU2", Introducers: 3}, {Style: "SSU2", Host: "2600::1", Port: 5}},
		Listening: []control.Listening{{Style: "SSU2", Network: "UDP", Address: "0.0.0.0:5"}},
		Reachability: []control.Reachability{
			{Family: "IPv4", State: "firewalled", Reason: "peers in 2 networks could not reach us", Next: "forward port 5"}, {Family: "IPv6", State: "disabled", Reason: "no"},
		},
		PortMappings: []control.PortMapping{{Port: "UDP 5", Protocol: "UPnP", External: "10.0.0.1:5"}, {Port: "TCP 5", Protocol: "none"}},
		Sessions: []control.Session{
			{Style: "SSU2", Crypto: "X25519"}, {Style: "NTCP2", Crypto: "X25519+ML-KEM-768"}, {Style: "SSU2", Crypto: "X25519"},
		},
		Bans:     []control.Ban{{Reason: "protocol"}},
		Upstream: &control.Upstream{Proxy: "socks5://127.0.0.1:9050", Error: "the proxy refuses user or password"},
	}
	s.Stats.Transport.Styles = []transport.StyleStats{{Style: "SSU2", Outbound: 2, Limit: 9, Dials: 4, Failures: 1}}
	var b strings.Builder
	printStatus(&b, s)
	for _, want := range []string{
		"Address    NTCP2, not published\n", "Address    SSU2, through 3 routers that introduce others\n", "Address    SSU2 2600::1 port 5\n",
		"Listens    UDP 0.0.0.0:5, SSU2\n", "IPv4       firewalled: peers in 2 networks could not reach us\n           -> forward port 5\n",
		"Upstream   socks5://127.0.0.1:9050\n           -> the proxy refuses user or password\n",
		"Port       UDP 5 is forwarded from 10.0.0.1:5 by UPnP\n", "Port       TCP 5 is not forwarded now\n",
		"no address of the internet", "Sessions   1 over NTCP2 with X25519+ML-KEM-768, 2 over SSU2 with X25519\n",
		"SSU2: 2 of ours, 0 of others, at most 9; 1 of 4 dials failed\n", "Banned     1 routers: 1 for protocol\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "IPv6 ") {
		t.Errorf("an IP version that is off is shown:\n%s", b.String())
	}
	b.Reset()
	printStatus(&b, control.Status{Reachability: []control.Reachability{{Family: "IPv4", State: "disabled"}}})
	if !strings.Contains(b.String(), "not tested: SSU2 is off") {
		t.Errorf("without SSU2:\n%s", b.String())
	}
}

func TestDoctorTriesTheUpstreamProxy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			io.WriteString(c, "HTTP/1.1 407 Who\r\n\r\n")
			c.Read(make([]byte, 300))
			c.Close()
		}
	}()
	found := examineUpstream(t.Context(), router.Config{Upstream: "http://u:secret@" + l.Addr().String()})
	if len(found) != 1 || found[0].State != wrong || !strings.Contains(found[0].Text, "refuses user or password") || strings.Contains(found[0].Text, "secret") {
		t.Errorf("%+v", found)
	}
	if found := examineUpstream(t.Context(), router.Config{}); len(found) != 0 {
		t.Errorf("without a proxy: %+v", found)
	}
}

func TestDoctorOnReachabilityAndSockets(t *testing.T) {
	found := append(examineReachability(control.Status{
		Reachability: []control.Reachability{
			{Family: "IPv4", State: "firewalled", Reason: "tests", Next: "forward port 5"}, {Family: "IPv6", State: "ok", Reason: "tests"}, {Family: "IPv6", State: "disabled"},
		},
		PortMappings: []control.PortMapping{{Port: "UDP 5", Error: "no gateway answers"}, {Port: "TCP 5", External: "10.0.0.1:5"}, {Port: "TCP 6", External: "11.0.0.1:6", Public: true, Protocol: "PCP"}},
	}), examineSockets([]string{"batch gso gro df, buffers 4096/4096 KiB", "batch, buffers 208/4096 KiB"})...)
	found = append(found, examineSockets([]string{"plain, buffers 4096/8192 KiB"})...)
	var got []string
	for _, f := range found {
		got = append(got, f.State+" "+f.Check)
		if (f.State == note) != (f.Remedy != "") {
			t.Errorf("%+v", f)
		}
	}
	want := "note IPv4, ok IPv6, note port mapping, note port mapping, ok port mapping, note UDP sockets, ok UDP sockets"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}
