package ntcp2

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// inBubble runs a test with two routers that are connected by pipes.
func inBubble(t *testing.T, f func(t *testing.T, p *pipes, a, b *router)) {
	synctest.Test(t, func(t *testing.T) {
		p := new(pipes)
		a, b := newRouter(t, p.on("10.0.0.1:1")), newRouter(t, p.on("10.0.0.2:2"))
		a.serve()
		b.serve()
		f(t, p, a, b)
	})
}

// connect opens a bare connection to a router.
func (p *pipes) connect(t *testing.T, to *router) net.Conn {
	t.Helper()
	conn, err := p.dial(t.Context(), netip.MustParseAddr("10.9.9.9"), to.transport.cfg.Listen[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// initiatorTo is a state machine that knows how to speak to a router.
func initiatorTo(t *testing.T, from, to *router, change func(*initiatorConfig)) *initiator {
	t.Helper()
	c := initiatorConfig{
		static: from.transport.cfg.StaticKey, networkID: testNetwork, self: from.self().Bytes(),
		responder: to.keys.Identity.Hash(), peer: to.transport.cfg.StaticKey.Public(), iv: to.transport.cfg.IV,
	}
	if change != nil {
		change(&c)
	}
	i, err := newInitiator(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// silent fails unless the connection is closed without a byte, within d and not at once.
func silent(t *testing.T, conn net.Conn, d time.Duration) {
	t.Helper()
	start := time.Now()
	got, err := io.ReadAll(conn)
	if len(got) != 0 {
		t.Errorf("%d bytes came back", len(got))
	}
	if err != nil {
		t.Errorf("read: %v", err)
	}
	if took := time.Since(start); took > d {
		t.Errorf("closed after %v", took)
	}
}

func TestResponderIsSilent(t *testing.T) {
	random := func(n int) []byte {
		b := make([]byte, n)
		rand.Read(b)
		return b
	}
	request := func(t *testing.T, a, b *router, change func(*initiatorConfig)) []byte {
		msg, err := initiatorTo(t, a, b, change).sessionRequest(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	for name, bytes := range map[string]func(t *testing.T, a, b *router) []byte{
		"nothing":   func(*testing.T, *router, *router) []byte { return nil },
		"garbage":   func(*testing.T, *router, *router) []byte { return random(64) },
		"long":      func(*testing.T, *router, *router) []byte { return random(4000) },
		"truncated": func(t *testing.T, a, b *router) []byte { return request(t, a, b, nil)[:messageLen-1] },
		"other network": func(t *testing.T, a, b *router) []byte {
			return request(t, a, b, func(c *initiatorConfig) { c.networkID = testNetwork + 1 })
		},
		"other router": func(t *testing.T, a, b *router) []byte {
			return request(t, a, b, func(c *initiatorConfig) { c.responder[0]++ })
		},
		"other IV": func(t *testing.T, a, b *router) []byte {
			return request(t, a, b, func(c *initiatorConfig) { c.iv[15]++ })
		},
		"other key": func(t *testing.T, a, b *router) []byte {
			return request(t, a, b, func(c *initiatorConfig) { c.peer[0]++ })
		},
		"bad tag": func(t *testing.T, a, b *router) []byte {
			msg := request(t, a, b, nil)
			msg[messageLen-1] ^= 1
			return msg
		},
		"bytes before their turn": func(t *testing.T, a, b *router) []byte { return append(request(t, a, b, nil), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
				conn := p.connect(t, b)
				go conn.Write(bytes(t, a, b))
				silent(t, conn, messageTimeout+maxProbeTime+time.Second)
				if n := b.transport.Stats().Refused; n != 1 {
					t.Errorf("%d refused", n)
				}
			})
		})
	}
}

func TestReplayIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		msg, err := initiatorTo(t, a, b, nil).sessionRequest(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		first := p.connect(t, b)
		go first.Write(msg)
		if _, err := io.ReadFull(first, make([]byte, messageLen)); err != nil {
			t.Fatalf("the original was not answered: %v", err)
		}
		first.Close()
		time.Sleep(maxSkew - time.Second)
		again := p.connect(t, b)
		go again.Write(msg)
		silent(t, again, maxProbeTime+time.Second)
		if n := b.transport.Stats().Replays; n != 1 {
			t.Errorf("%d replays", n)
		}
	})
}

func TestClockSkew(t *testing.T) {
	for _, tc := range []struct {
		offset time.Duration
		ok     bool
	}{{0, true}, {58 * time.Second, true}, {-58 * time.Second, true}, {62 * time.Second, false}, {-62 * time.Second, false}, {-time.Hour, false}} {
		t.Run(tc.offset.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
				a.clock.SetOffset(tc.offset)
				_, err := a.transport.Dial(t.Context(), b.self())
				if tc.ok != (err == nil) {
					t.Fatalf("dial: %v", err)
				}
				if !tc.ok && !errors.Is(err, transport.ErrClockSkew) {
					t.Fatalf("dial: %v", err)
				}
				if len(a.skews) != 1 || (a.skews[0]+tc.offset).Abs() > time.Second {
					t.Fatalf("initiator learned %v", a.skews)
				}
				synctest.Wait()
				if st := b.transport.Stats(); !tc.ok && (st.Skewed != 1 || st.Accepted != 0) {
					t.Fatalf("responder %+v", st)
				}
				if len(b.skews) != 0 {
					t.Fatalf("the responder believed who connected: %v", b.skews)
				}
			})
		})
	}
}

func TestHandshakeTimesOut(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		start := time.Now()
		conn := p.connect(t, b)
		done := make(chan struct{})
		go func() { // slow loris
			defer close(done)
			for {
				if _, err := conn.Write([]byte{1}); err != nil {
					return
				}
				time.Sleep(messageTimeout / 10)
			}
		}()
		silent(t, conn, messageTimeout+maxProbeTime+time.Second)
		if took := time.Since(start); took > DefaultHandshakeTimeout {
			t.Errorf("lasted %v", took)
		}
		conn.Close()
		<-done
	})
}

func TestInitiatorGivesUpOnASilentPeer(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		l, _ := p.listen(t.Context(), "tcp", netip.MustParseAddrPort("10.0.0.2:2")) // in b's place
		defer l.Close()
		go func() {
			conn, err := l.Accept()
			if err == nil {
				io.Copy(io.Discard, conn)
			}
		}()
		start := time.Now()
		if _, err := a.transport.Dial(t.Context(), b.self()); err == nil {
			t.Fatal("dialled")
		}
		if took := time.Since(start); took > DefaultHandshakeTimeout {
			t.Errorf("lasted %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		a.transport.Dial(ctx, b.self())
		if took := time.Since(start); took > time.Second {
			t.Errorf("the context ended after %v", took)
		}
	})
}

func TestInitiatorRefusesAnImpostor(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		c := newRouter(t, p.on("10.0.0.2:2")) // answers where b is published
		c.serve()
		if _, err := a.transport.Dial(t.Context(), b.self()); err == nil {
			t.Fatal("dialled")
		}
	})
}

func TestResponderTellsAKnownPeerWhy(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(a, b *router)
		want  transport.Reason
	}{
		"not admitted": {func(_, b *router) { b.refuse = true }, transport.ReasonBanned},
		"other network": {func(a, _ *router) {
			a.sign(map[string]string{"netId": "98"})
		}, transport.ReasonOptions},
		"old RouterInfo": {func(a, _ *router) {
			a.clock.SetOffset(-maxRouterInfoAge/2 - time.Minute)
			a.sign(nil)
			time.Sleep(maxRouterInfoAge / 2)
			a.clock.SetOffset(0)
		}, transport.ReasonConfirmed},
		"other static key": {func(a, _ *router) {
			s, _ := keys.GenerateX25519()
			old := a.transport.cfg.StaticKey
			a.transport.cfg.StaticKey = s
			a.sign(nil)
			a.transport.cfg.StaticKey = old
		}, transport.ReasonStaticKey},
		"bad signature": {func(a, _ *router) {
			raw := bytes.Clone(a.self().Bytes())
			raw[len(raw)-1] ^= 1
			a.info, _, _ = i2p.ParseRouterInfo(raw)
		}, transport.ReasonRISign},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
				tc.spoil(a, b)
				if _, err := a.transport.Dial(t.Context(), b.self()); err != nil {
					t.Fatal(err)
				}
				var by *transport.Terminated
				if err := receive(t, a.closed); !errors.As(err, &by) || by.Reason != tc.want {
					t.Fatalf("closed with %v, want reason %d", err, tc.want)
				}
				if len(b.opened) != 0 {
					t.Fatal("session opened")
				}
			})
		})
	}
}

func TestSourceMustBeThePublishedHost(t *testing.T) {
	for _, tc := range []struct {
		hosts  []string
		from   string
		strict bool
		ok     bool
	}{
		{[]string{"192.0.2.1:1"}, "192.0.2.1", true, true},
		{[]string{"192.0.2.1:1"}, "192.0.2.2", true, false},
		{[]string{"192.0.2.1:1"}, "192.0.2.2", false, true},
		{[]string{"[2001:db8:1:2::3]:1"}, "2001:db8:1:2:ffff::1", true, true},
		{[]string{"[2001:db8:1:2::3]:1"}, "2001:db8:1:3::3", true, false},
		{[]string{"192.0.2.1:1", "[2001:db8:1:2::3]:1"}, "::ffff:192.0.2.1", true, true},
		{[]string{"192.0.2.1:1", "192.0.2.5:1"}, "192.0.2.5", true, true},
		{[]string{"192.0.2.1:1"}, "2001:db8::1", true, true}, // nothing published for IPv6
		{nil, "192.0.2.2", true, true},                       // unpublished
	} {
		r := newRouter(t, func(c *Config, _ *Deps) { c.Listen = nil })
		var at []netip.AddrPort
		for _, h := range tc.hosts {
			at = append(at, netip.MustParseAddrPort(h))
		}
		r.transport.Publish(at...)
		r.sign(nil)
		got := checkPeer(r.self(), r.transport.cfg.StaticKey.Public(), netip.MustParseAddr(tc.from), testNetwork, tc.strict, time.Now())
		if (got == nil) != tc.ok {
			t.Errorf("%v from %s, strict %v: %v", tc.hosts, tc.from, tc.strict, got)
		}
	}
}
