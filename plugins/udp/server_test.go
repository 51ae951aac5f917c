package main

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

func startServer(t *testing.T, h *plugintest.Host, backend *app, more settings) *plugintest.Tunnel {
	t.Helper()
	set := settings{"target": backend.address()}
	for k, v := range more {
		set[k] = v
	}
	return h.Start(plugin(), "udp-server", set)
}

// The local server sees each port of each destination as a socket of its own, from an address that is the destination's.
func TestPeersHaveTheirOwnAddresses(t *testing.T) {
	for name, kind := range kinds {
		if kind == sdk.Raw {
			continue
		}
		t.Run(name, func(t *testing.T) {
			h := plugintest.NewHost(t)
			backend := newApp(t)
			tun := startServer(t, h, backend, settings{"kind": name, "port": 53})
			to := tun.Address() + ":53"
			alice, alice2 := newPeer(t, h, "alice.i2p", kind, 1001), newPeer(t, h, "alice.i2p", kind, 1002)
			bob := newPeer(t, h, "bob.i2p", kind, 1001)
			seen := map[string]bool{}
			for _, p := range []*peer{alice, alice2, bob} {
				p.send("query", to)
				from := backend.wants("query")
				host, _, _ := net.SplitHostPort(from)
				who, _ := visitors.ParsePeer(p.name)
				if seen[from] || host != who.Source().String() {
					t.Errorf("from %s, want %s", from, who.Source())
				}
				seen[from] = true
				backend.send("answer", from)
				if f := p.wants("answer"); f != to {
					t.Errorf("answered by %s", f)
				}
			}
			large := strings.Repeat("x", bob.conn.MaxPayload())
			bob.send(large, to)
			backend.send(large, backend.wants(large))
			bob.wants(large)
			alice.nothing()
			counts(t, tun, "received", 4)
			counts(t, tun, "sent", 4)
			counts(t, tun, "sessions", 3)
		})
	}
}

// What i2pd sends: one signed datagram, then raw ones from the same port.
func TestRawFollowsSigned(t *testing.T) {
	h := plugintest.NewHost(t)
	backend := newApp(t)
	tun := startServer(t, h, backend, nil)
	to := tun.Address() + ":53"
	alice, aliceRaw := newPeer(t, h, "alice.i2p", sdk.Repliable, 1001), newPeer(t, h, "alice.i2p", sdk.Raw, 1001)
	aliceRaw.send("too early", to)
	counts(t, tun, "strangers", 1)
	alice.send("signed", to)
	from := backend.wants("signed")
	for i := range 3 {
		aliceRaw.send(fmt.Sprint("raw ", i), to)
		if f := backend.wants(fmt.Sprint("raw ", i)); f != from {
			t.Errorf("raw from %s, signed from %s", f, from)
		}
	}
	backend.send("answer", from)
	alice.wants("answer")
	newPeer(t, h, "other.i2p", sdk.Raw, 1002).send("from nowhere", to)
	counts(t, tun, "strangers", 2)

	// Bob has the same port: now nobody can say whose a raw datagram is.
	newPeer(t, h, "bob.i2p", sdk.Repliable, 1001).send("bob", to)
	backend.wants("bob")
	aliceRaw.send("whose?", to)
	counts(t, tun, "strangers", 3)
	backend.nothing()
}

func TestRawServer(t *testing.T) {
	h := plugintest.NewHost(t)
	backend := newApp(t)
	tun := startServer(t, h, backend, settings{"kind": "raw", "port": 514})
	p := newPeer(t, h, "alice.i2p", sdk.Raw, 1001)
	p.send("log line", tun.Address()+":514")
	from := backend.wants("log line")
	p.send("another", tun.Address()+":514")
	if f := backend.wants("another"); f != from || !strings.HasPrefix(f, "127.0.0.1:") {
		t.Errorf("from %s and %s", from, f)
	}
	backend.send("to whom?", from)
	counts(t, tun, "lost", 1)
	p.nothing()
}

func TestListsAndLimits(t *testing.T) {
	h := plugintest.NewHost(t)
	backend := newApp(t)
	alice, bob := newPeer(t, h, "alice.i2p", sdk.Repliable, 1), newPeer(t, h, "bob.i2p", sdk.Repliable, 2)
	raw := newPeer(t, h, "alice.i2p", sdk.Raw, 1)
	tun := startServer(t, h, backend, settings{"access_list": []any{"alice.i2p"}})
	to := tun.Address() + ":53"
	bob.send("let me in", to)
	counts(t, tun, "denied", 1)
	alice.send("hello", to)
	backend.wants("hello")
	raw.send("unproven", to) // there is a list: nobody listens
	// Lists change while it runs, and end the sessions of those who are not in them.
	if !tun.Reload(settings{"target": backend.address(), "deny_list": []any{alice.name}}) {
		t.Fatal("not reloaded")
	}
	counts(t, tun, "sessions", 0)
	alice.send("again", to)
	counts(t, tun, "denied", 2)
	bob.send("now?", to)
	backend.wants("now?")
	backend.nothing()
	if tun.Reload(settings{"target": backend.address()}) {
		t.Error("a reload cannot begin to take raw datagrams")
	}

	tun = startServer(t, h, backend, settings{"peer_sessions": 2, "total_sessions": 3})
	to = tun.Address() + ":53"
	for i := range 3 {
		newPeer(t, h, "carol.i2p", sdk.Repliable, 100+i).send(fmt.Sprint("carol ", i), to)
		if i < 2 {
			backend.wants(fmt.Sprint("carol ", i))
		}
	}
	counts(t, tun, "limited", 1)
	alice.send("alice", to)
	backend.wants("alice")
	bob.send("bob", to)
	counts(t, tun, "limited", 2)
	counts(t, tun, "sessions", 3)
	backend.nothing()
}

func TestRates(t *testing.T) {
	now := time.Now()
	r := newRates(serverSettings{PeerPackets: 10, TotalPackets: 15})
	take := func(p visitors.Peer, n int, at time.Duration) (ok int) {
		for range n {
			if r.allow(p, now.Add(at)) {
				ok++
			}
		}
		return ok
	}
	alice, bob := visitors.Peer{1}, visitors.Peer{2}
	for _, c := range []struct {
		p    visitors.Peer
		at   time.Duration
		want int
	}{{alice, 0, 10}, {bob, 0, 5}, {alice, time.Second / 2, 5}, {bob, time.Second / 2, 2}, {alice, time.Hour, 10}} {
		if n := take(c.p, 100, c.at); n != c.want {
			t.Errorf("%d datagrams of %d after %v, want %d", n, c.p[0], c.at, c.want)
		}
	}
	r.set(serverSettings{})
	if n := take(bob, 1000, time.Hour); n != 1000 {
		t.Errorf("%d without a limit", n)
	}

	h := plugintest.NewHost(t)
	backend := newApp(t)
	tun := startServer(t, h, backend, settings{"peer_packets": 1})
	p := newPeer(t, h, "alice.i2p", sdk.Repliable, 1)
	for range 50 { // faster than one per second
		p.send("x", tun.Address()+":1")
	}
	end := time.Now().Add(patience)
	for m := tun.Metrics(); m["limited"] == 0; m = tun.Metrics() {
		if time.Now().After(end) {
			t.Fatalf("%v", m)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestQuietPeersAreForgotten(t *testing.T) {
	h := plugintest.NewHost(t)
	backend := newApp(t)
	tun := startServer(t, h, backend, settings{"idle_timeout": "1s"})
	to := tun.Address() + ":1"
	p := newPeer(t, h, "alice.i2p", sdk.Repliable, 1)
	p.send("one", to)
	from := backend.wants("one")
	counts(t, tun, "sessions", 1)
	counts(t, tun, "sessions", 0)
	p.send("two", to)
	if f := backend.wants("two"); f == from {
		t.Errorf("from %s again", f)
	} else {
		backend.send("answer", f)
	}
	p.wants("answer")
}

func TestWithoutAddressesOfTheirOwn(t *testing.T) {
	h := plugintest.NewHost(t)
	backend := newApp(t)
	tun := startServer(t, h, backend, settings{"unique_local": false})
	for i, name := range []string{"alice.i2p", "bob.i2p"} {
		newPeer(t, h, name, sdk.Repliable, 1).send(name, tun.Address()+":1")
		if from := backend.wants(name); !strings.HasPrefix(from, "127.0.0.1:") {
			t.Errorf("%d: from %s", i, from)
		}
	}
}

func TestServerSettings(t *testing.T) {
	h := plugintest.NewHost(t)
	for key, c := range map[string]struct {
		value any
		words string
	}{
		"target": {"127.0.0.1", "host:port"}, "port": {65536, "0 to 65535"}, "idle_timeout": {"0s", "at least"},
		"access_list": {[]any{"example.org"}, "address book"}, "total_sessions": {0, "1 to 200"}, "peer_sessions": {-1, "or more"},
	} {
		set := settings{"target": "127.0.0.1:53"}
		set[key] = c.value
		hasProblem(t, h, "udp-server", set, key, c.words)
	}
	for _, kind := range []string{"raw", "datagram3"} {
		hasProblem(t, h, "udp-server", settings{"target": "127.0.0.1:53", "kind": kind, "deny_list": []any{"a.i2p"}}, "kind", "nothing proves")
	}
	hasProblem(t, h, "udp-server", settings{"target": "127.0.0.1:53", "raw": "yes", "access_list": []any{"a.i2p"}}, "raw", "nothing proves")
}

func TestServerUpgrade(t *testing.T) {
	h := plugintest.NewHost(t)
	backend := newApp(t)
	set := settings{"target": backend.address()}
	tun := h.Start(plugin(), "udp-server", set)
	p := newPeer(t, h, "alice.i2p", sdk.Repliable, 1)
	talk := func(text string) {
		t.Helper()
		p.send(text, tun.Address()+":1")
		backend.send("re: "+text, backend.wants(text))
		p.wants("re: " + text)
	}
	talk("first")
	if n := tun.Upgrade(plugin(), set, patience); n != 0 {
		t.Errorf("%d left open", n)
	}
	talk("upgraded")
	tun.Kill()
	tun.Restart(plugin(), set)
	talk("back")
	if n := tun.Drain(time.Second); n != 0 {
		t.Errorf("%d left open", n)
	}
}

// Both types in a row, with an application at each end.
func TestBothEnds(t *testing.T) {
	h := plugintest.NewHost(t)
	backend := newApp(t)
	server := startServer(t, h, backend, nil)
	client := h.Start(plugin(), "udp-client", settings{"listen": "127.0.0.1:0", "destination": server.Address() + ":9"})
	a := newApp(t)
	for i := range 20 {
		text := fmt.Sprint("ping ", i)
		a.send(text, local(t, client))
		backend.send("re: "+text, backend.wants(text))
		a.wants("re: " + text)
	}
}
