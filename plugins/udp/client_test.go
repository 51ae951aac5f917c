package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

const site = "game.example.i2p"

func startClient(t *testing.T, h *plugintest.Host, more settings) *plugintest.Tunnel {
	t.Helper()
	set := settings{"listen": "127.0.0.1:0", "destination": site + ":27015"}
	for k, v := range more {
		set[k] = v
	}
	return h.Start(plugin(), "udp-client", set)
}

// Each application gets its own answers, with every kind that has a sender.
func TestApplicationsGetTheirAnswers(t *testing.T) {
	for name, kind := range kinds {
		if kind == sdk.Raw {
			continue
		}
		t.Run(name, func(t *testing.T) {
			h := plugintest.NewHost(t)
			server := newPeer(t, h, site, kind, 27015)
			tun := startClient(t, h, settings{"kind": name})
			one, two := newApp(t), newApp(t)
			one.send("from one", local(t, tun))
			fromOne := server.wants("from one")
			two.send("from two", local(t, tun))
			fromTwo := server.wants("from two")
			if fromOne == fromTwo || !strings.HasPrefix(fromOne, tun.Address()) || !strings.HasPrefix(fromTwo, tun.Address()) {
				t.Errorf("from %s and %s", fromOne, fromTwo)
			}
			for range 3 {
				one.send("again", local(t, tun))
				if from := server.wants("again"); from != fromOne {
					t.Errorf("from %s, was %s", from, fromOne)
				}
			}
			server.send("for two", fromTwo)
			server.send("for one", fromOne)
			if from := one.wants("for one"); from != local(t, tun) {
				t.Errorf("from %s", from)
			}
			two.wants("for two")
			large := strings.Repeat("x", server.conn.MaxPayload())
			one.send(large, local(t, tun))
			server.wants(large)
			server.send(large, fromOne)
			one.wants(large)
			counts(t, tun, "sent", 6)
			counts(t, tun, "received", 3)
			counts(t, tun, "senders", 2)
		})
	}
}

// Only the destination may answer, or who has its port with raw datagrams, as i2pd does it.
func TestWhoMayAnswer(t *testing.T) {
	h := plugintest.NewHost(t)
	server := newPeer(t, h, site, sdk.Repliable, 27015)
	raw := newPeer(t, h, site, sdk.Raw, 27015)
	rawOther := newPeer(t, h, site, sdk.Raw, 27016)
	stranger := newPeer(t, h, "stranger.i2p", sdk.Repliable, 27015)
	tun := startClient(t, h, nil)
	a := newApp(t)
	a.send("hello", local(t, tun))
	from := server.wants("hello")
	stranger.send("not you", from)
	counts(t, tun, "strangers", 1)
	rawOther.send("not from there", from)
	counts(t, tun, "strangers", 2)
	raw.send("raw answer", from)
	a.wants("raw answer")
	server.send("answer", from)
	a.wants("answer")
	a.nothing()
}

func TestRawAnswersCanBeRefused(t *testing.T) {
	h := plugintest.NewHost(t)
	server := newPeer(t, h, site, sdk.Repliable, 27015)
	raw := newPeer(t, h, site, sdk.Raw, 27015)
	tun := startClient(t, h, settings{"raw_answers": false})
	a := newApp(t)
	a.send("hello", local(t, tun))
	from := server.wants("hello")
	raw.send("raw", from)
	server.send("signed", from)
	a.wants("signed")
	a.nothing()
}

func TestRawClient(t *testing.T) {
	h := plugintest.NewHost(t)
	server := newPeer(t, h, site, sdk.Raw, 27015)
	tun := startClient(t, h, settings{"kind": "raw"})
	a := newApp(t)
	a.send("hello", local(t, tun))
	from := server.wants("hello")
	if !strings.HasPrefix(from, ":") || from == ":0" {
		t.Errorf("from %q", from)
	}
	server.send("answer", tun.Address()+from) // whoever knows the address anyway
	a.wants("answer")
}

func TestSendersAreBoundedAndExpire(t *testing.T) {
	h := plugintest.NewHost(t)
	server := newPeer(t, h, site, sdk.Repliable, 27015)
	tun := startClient(t, h, settings{"max_senders": 2, "idle_timeout": "4s"})
	var apps []*app
	ports := map[string]bool{}
	for i := range 3 {
		a := newApp(t)
		apps = append(apps, a)
		a.send(fmt.Sprint(i), local(t, tun))
	}
	for i := range 2 {
		ports[server.wants(fmt.Sprint(i))] = true
	}
	counts(t, tun, "no_room", 1)
	counts(t, tun, "senders", 0) // after a while
	apps[2].send("now", local(t, tun))
	from := server.wants("now")
	if len(ports) != 2 || !ports[from] {
		t.Errorf("ports %v, then %s", ports, from) // lanes are used again
	}
	server.send("answer", from)
	apps[2].wants("answer")
	apps[0].nothing()
	counts(t, tun, "senders", 1)
}

// Without an idle time in between: who was quiet for laneRest makes room, for applications that take a new port each time.
func TestAnApplicationThatRestsMakesRoom(t *testing.T) {
	now := time.Now()
	l := newLanes(2)
	for i, from := range []string{"a", "b"} {
		if _, room := l.of(from, now); !room {
			t.Fatalf("no room for %s", from)
		}
		one := new(lane)
		one.take(from, now.Add(time.Duration(i)*time.Second))
		l.add(one)
	}
	if got, room := l.of("c", now.Add(2*time.Second)); got != nil || room {
		t.Error("c got a lane that is in use")
	}
	got, _ := l.of("c", now.Add(laneRest))
	if got == nil || got != l.byFrom["c"] || l.byFrom["a"] != nil || l.byFrom["b"] == nil {
		t.Errorf("%v", l.byFrom)
	}
	if from, ok := got.sender(now); from != "c" || !ok {
		t.Errorf("lane of %s", from)
	}
	l.expire(now.Add(time.Hour), time.Minute)
	if l.used() != 0 {
		t.Errorf("%d in use", l.used())
	}
	if _, ok := got.sender(now); ok {
		t.Error("a free lane has a sender")
	}
	free, _ := l.of("d", now.Add(time.Hour))
	if free == nil {
		t.Error("a free lane was not used")
	}
}

func TestClientSettings(t *testing.T) {
	h := plugintest.NewHost(t)
	for key, c := range map[string]struct {
		value any
		words string
	}{
		"listen": {"5353", "host:port"}, "destination": {"example.org:53", "name.i2p:port"}, "idle_timeout": {"10ms", "at least 1s"},
		"max_senders": {31, "1 to 30"},
	} {
		set := settings{"listen": "127.0.0.1:0", "destination": site + ":1"}
		set[key] = c.value
		hasProblem(t, h, "udp-client", set, key, c.words)
	}
	hasProblem(t, h, "udp-client", settings{"listen": "127.0.0.1:0", "destination": site + ":65536"}, "destination", "name.i2p:port")
	if err := h.StartErr(plugin(), "udp-client", settings{"listen": "127.0.0.1:0", "destination": "nowhere.i2p:1"}); !errors.Is(err, api.ErrUnknownHost) {
		t.Errorf("unknown name: %v", err)
	}
	h.Grant(sdk.DialI2P, sdk.ListenI2P)
	h.I2P.Address(site)
	if err := h.StartErr(plugin(), "udp-client", settings{"listen": "127.0.0.1:0", "destination": site + ":1"}); !errors.Is(err, api.ErrPermission) {
		t.Errorf("without the permission: %v", err)
	}
}

// After an upgrade, and after a crash, the same local port leads to the same destination.
func TestClientUpgrade(t *testing.T) {
	h := plugintest.NewHost(t)
	server := newPeer(t, h, site, sdk.Repliable, 27015)
	set := settings{"listen": "127.0.0.1:0", "destination": site + ":27015"}
	tun := h.Start(plugin(), "udp-client", set)
	address := local(t, tun)
	a := newApp(t)
	talk := func(text string) {
		t.Helper()
		a.send(text, address)
		server.send("re: "+text, server.wants(text))
		a.wants("re: " + text)
	}
	talk("first")
	if n := tun.Upgrade(plugin(), set, patience); n != 0 {
		t.Errorf("%d left open", n)
	}
	talk("upgraded")
	tun.Kill()
	tun.Restart(plugin(), set)
	talk("back")
	if state, text := tun.Health(); state != sdk.Healthy {
		t.Errorf("%v %s", state, text)
	}
	if n := tun.Drain(time.Second); n != 0 {
		t.Errorf("%d left open", n)
	}
}
