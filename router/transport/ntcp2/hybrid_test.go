package ntcp2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

func allSizes() []mlkem.Params {
	return []mlkem.Params{mlkem.MLKEM512, mlkem.MLKEM768, mlkem.MLKEM1024}
}

func offers(sizes ...mlkem.Params) func(*Config, *Deps) {
	return func(c *Config, _ *Deps) { c.PostQuantum = sizes }
}

func both(f ...func(*Config, *Deps)) func(*Config, *Deps) {
	return func(c *Config, d *Deps) {
		for _, f := range f {
			f(c, d)
		}
	}
}

// inHybridBubble is inBubble with routers that offer hybrid handshakes.
func inHybridBubble(t *testing.T, p mlkem.Params, f func(t *testing.T, p *pipes, a, b *router)) {
	synctest.Test(t, func(t *testing.T) {
		net := new(pipes)
		a := newRouter(t, both(net.on("10.0.0.1:1"), offers(p)))
		b := newRouter(t, both(net.on("10.0.0.2:2"), offers(p)))
		a.serve()
		b.serve()
		f(t, net, a, b)
	})
}

// The sizes of proposal 169, "NTCP2"; but the totals of its table for SessionCreated with 768 and 1024 (1136, 1616) lack the 32
// bytes of the options, which i2pd and emissary do send.
func TestHybridMessageLengths(t *testing.T) {
	for p, want := range map[mlkem.Params][2]int{0: {64, 64}, mlkem.MLKEM512: {880, 848}, mlkem.MLKEM768: {1264, 1168}, mlkem.MLKEM1024: {1648, 1648}} {
		if requestLen(p) != want[0] || createdLen(p) != want[1] {
			t.Errorf("%v: %d and %d bytes, want %v", p, requestLen(p), createdLen(p), want)
		}
	}
}

// i2pd has the first states precomputed: SHA256 of the name, and SHA256 of that (PostQuantum.cpp, since 2.59).
func TestHybridStatesAgreeWithI2pd(t *testing.T) {
	for p, want := range map[mlkem.Params][2]string{
		mlkem.MLKEM512:  {"f99f6c60ea06787f8dc23fa3e9f7c0a5347710c11d99e0e99ce3902b92320720", "6ac42cd831ebd30cdf902e67f46639ab85cfac0f77ba795861e956974499ade1"},
		mlkem.MLKEM768:  {"b9c3445611cc80ecca15de37a41ab6c6fb59db83eb1e9d7e2763a8a534ec53d1", "0bcd38afcfb7aaeb2573b84f748302948b53f542ce3f23dccc9ae9b021ab48ff"},
		mlkem.MLKEM1024: {"97e68d27494150ea80548e7304453f6129bc078b140513be9a55b207a2da370c", "59501a598782655558099becab2a641df17bcae7b35d6da78c6e797eabf3573f"},
	} {
		s := noise.New(protocolName(p))
		s.MixHash(nil)
		ck, h := s.ChainKey(), s.Hash()
		if got := [2]string{fmt.Sprintf("%x", ck), fmt.Sprintf("%x", h)}; got != want {
			t.Errorf("%v: %v, want %v", p, got, want)
		}
	}
}

func TestHybridSessions(t *testing.T) {
	for _, p := range allSizes() {
		t.Run(p.String(), func(t *testing.T) {
			a, b := newRouter(t, offers(p)), newRouter(t, offers(p))
			a.serve()
			b.serve()
			for _, dir := range [][2]*router{{a, b}, {b, a}} {
				ours, theirs := dir[0].dial(dir[1])
				for _, s := range []transport.Session{ours, theirs} {
					if got := s.Status().Crypto; got != "X25519+"+p.String() {
						t.Errorf("%v session with %q", s.Direction(), got)
					}
				}
				for i, n := range []int{0, 1028, 17000, maxMessage - shortHeaderLen} {
					for _, end := range []struct {
						s  transport.Session
						to *router
					}{{ours, dir[1]}, {theirs, dir[0]}} {
						m := message(n, byte(i))
						want := bytes.Clone(m.Bytes())
						if end.s.Send([]*buf.Buf{m}) != 1 {
							t.Fatal("not taken")
						}
						if got := receive(t, end.to.messages); !bytes.Equal(got, want) {
							t.Fatalf("message of %d bytes: got %d bytes", len(want), len(got))
						}
					}
				}
				ours.Close(transport.ReasonNormal)
				receive(t, dir[0].closed)
				receive(t, dir[1].closed)
			}
		})
	}
}

// What two routers do by what each is configured to offer: the responder publishes its first, and the initiator uses it if it is
// among its own, wherever. Who publishes what of the initiator does not matter.
func TestNegotiation(t *testing.T) {
	const k512, k768, k1024 = mlkem.MLKEM512, mlkem.MLKEM768, mlkem.MLKEM1024
	lists := [][]mlkem.Params{nil, {k512}, {k768}, {k1024}, {k768, k512}, {k512, k768}, {k768, k512, k1024}}
	for _, ours := range lists {
		for _, theirs := range lists {
			t.Run(fmt.Sprintf("%v to %v", ours, theirs), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := new(pipes)
					a := newRouter(t, both(p.on("10.0.0.1:1"), offers(ours...)))
					b := newRouter(t, both(p.on("10.0.0.2:2"), offers(theirs...)))
					a.serve()
					b.serve()
					want := "X25519"
					if len(theirs) > 0 && slices.Contains(ours, theirs[0]) {
						want += "+" + theirs[0].String()
					}
					out, in := a.dial(b)
					if out.Status().Crypto != want || in.Status().Crypto != want {
						t.Errorf("%q and %q, want %q", out.Status().Crypto, in.Status().Crypto, want)
					}
				})
			})
		}
	}
}

// address is one of b with another pq option.
func (r *router) address(t *testing.T, host, pq string, cost uint8) i2p.RouterAddress {
	t.Helper()
	s := r.transport.cfg.StaticKey.Public()
	options := map[string]string{
		"host": host, "port": "2", "s": i2p.EncodeBase64(s[:]), "i": i2p.EncodeBase64(r.transport.cfg.IV[:]), "v": "2",
	}
	if pq != "" {
		options["pq"] = pq
	}
	a, err := i2p.NewRouterAddress(cost, style, options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWhatAnAddressOffers(t *testing.T) {
	r := newRouter(t, offers(mlkem.MLKEM768, mlkem.MLKEM512))
	for pq, want := range map[string]mlkem.Params{
		"": 0, "3": mlkem.MLKEM512, "4": mlkem.MLKEM768, "5": 0, // 5: not among ours
		"2": 0, "6": 0, "43": 0, "4,3": 0, "3,4": 0, " 4": 0, "x": 0, // no meaning
	} {
		if got := hybridOf(r.address(t, "10.0.0.2", pq, 3), r.transport.cfg.PostQuantum); got != want {
			t.Errorf("pq=%q: %v, want %v", pq, got, want)
		}
	}
}

func TestOnlyPublishedAddressesOffer(t *testing.T) {
	r := newRouter(t, offers(mlkem.MLKEM1024, mlkem.MLKEM512))
	for _, a := range r.transport.Addresses() {
		if got := a.Options.Get("pq"); got != "5" || a.Options.Get("v") != "2" {
			t.Errorf("pq=%q in %v", got, a.Options)
		}
	}
	hidden := newRouter(t, both(offers(mlkem.MLKEM768), func(c *Config, _ *Deps) { c.Listen = nil }))
	off := newRouter(t, nil)
	for _, a := range append(hidden.transport.Addresses(), off.transport.Addresses()...) {
		if got := a.Options.Get("pq"); got != "" {
			t.Errorf("pq=%q in %v", got, a.Options)
		}
	}
}

func TestConfigRefusesStrangeSizes(t *testing.T) {
	good := newRouter(t, nil).transport.cfg
	for _, sizes := range [][]mlkem.Params{{0}, {513}, {mlkem.MLKEM768, mlkem.MLKEM768}} {
		good.PostQuantum = sizes
		if good.Validate() == nil {
			t.Errorf("%v taken", sizes)
		}
	}
}

// Somebody on the way who lets only plain handshakes through must not get one.
func TestNoDowngrade(t *testing.T) {
	inHybridBubble(t, mlkem.MLKEM768, func(t *testing.T, p *pipes, a, b *router) {
		ri, err := i2p.NewRouterInfo(b.keys, b.clock.Now(), []i2p.RouterAddress{
			b.address(t, "10.0.0.2", "", 1), b.address(t, "10.0.0.2", "5", 2), b.address(t, "10.0.0.9", "4", 3),
		}, map[string]string{"netId": "99", "router.version": "0.9.66", "caps": "XR"})
		if err != nil {
			t.Fatal(err)
		}
		if got := a.transport.targets(ri); len(got) != 1 || got[0].hybrid != mlkem.MLKEM768 {
			t.Fatalf("targets %+v", got)
		}
		if _, err := a.transport.Dial(t.Context(), ri); err == nil { // nothing is at 10.0.0.9
			t.Fatal("dialled")
		}
		synctest.Wait()
		if st := b.transport.Stats(); st.Accepted+st.Refused != 0 {
			t.Errorf("a plain address was tried: %+v", st)
		}
	})
	// The peer does not take what it published: the dial fails, and the next one too, until a RouterInfo says otherwise.
	synctest.Test(t, func(t *testing.T) {
		p := new(pipes)
		a := newRouter(t, both(p.on("10.0.0.1:1"), offers(mlkem.MLKEM768)))
		b := newRouter(t, both(p.on("10.0.0.2:2"), offers(mlkem.MLKEM768)))
		a.serve()
		stale := b.self()
		b.transport.cfg.PostQuantum = nil
		b.serve()
		for range 2 {
			if _, err := a.transport.Dial(t.Context(), stale); err == nil {
				t.Fatal("dialled")
			}
		}
		b.sign(nil)
		if s, _ := a.dial(b); s.Status().Crypto != "X25519" {
			t.Errorf("%q", s.Status().Crypto)
		}
	})
}

func TestTargetsInOrderOfPreference(t *testing.T) {
	r := newRouter(t, both(new(pipes).on("10.0.0.1:1"), offers(mlkem.MLKEM768, mlkem.MLKEM512, mlkem.MLKEM1024)))
	ri, err := i2p.NewRouterInfo(r.keys, r.clock.Now(), []i2p.RouterAddress{
		r.address(t, "10.0.0.2", "5", 1), r.address(t, "10.0.0.3", "4", 7), r.address(t, "10.0.0.4", "3", 2), r.address(t, "10.0.0.5", "4", 5), r.address(t, "10.0.0.6", "", 1),
	}, map[string]string{"netId": "99"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, at := range r.transport.targets(ri) {
		got = append(got, at.at.Addr().String())
	}
	if want := []string{"10.0.0.5", "10.0.0.3", "10.0.0.4", "10.0.0.2"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestHybridResponderIsSilent(t *testing.T) {
	change := func(p mlkem.Params) func(*initiatorConfig) { return func(c *initiatorConfig) { c.hybrid = p } }
	for _, p := range allSizes() {
		for name, bytes := range map[string]func(msg []byte) []byte{
			"plain part only": func(msg []byte) []byte { return msg[:messageLen] },
			"truncated":       func(msg []byte) []byte { return msg[:requestLen(p)-1] },
			"bad key tag":     func(msg []byte) []byte { msg[requestLen(p)-optionsLen-tagLen-1] ^= 1; return msg },
			"bad key":         func(msg []byte) []byte { msg[keyLen+300] ^= 1; return msg },
			"bad options":     func(msg []byte) []byte { msg[requestLen(p)-1] ^= 1; return msg },
			"bad X":           func(msg []byte) []byte { msg[3] ^= 1; return msg },
			"extra byte":      func(msg []byte) []byte { return append(msg, 0) },
		} {
			t.Run(fmt.Sprint(p, " ", name), func(t *testing.T) {
				inHybridBubble(t, p, func(t *testing.T, net *pipes, a, b *router) {
					msg, err := initiatorTo(t, a, b, change(p)).sessionRequest(time.Now())
					if err != nil {
						t.Fatal(err)
					}
					conn := net.connect(t, b)
					go conn.Write(bytes(msg))
					silent(t, conn, messageTimeout+maxProbeTime+time.Second)
					if st := b.transport.Stats(); st.Refused != 1 {
						t.Errorf("%+v", st)
					}
				})
			})
		}
	}
	t.Run("another size", func(t *testing.T) {
		inHybridBubble(t, mlkem.MLKEM768, func(t *testing.T, net *pipes, a, b *router) {
			for _, p := range []mlkem.Params{mlkem.MLKEM512, mlkem.MLKEM1024} {
				msg, err := initiatorTo(t, a, b, change(p)).sessionRequest(time.Now())
				if err != nil {
					t.Fatal(err)
				}
				conn := net.connect(t, b)
				go conn.Write(msg)
				silent(t, conn, messageTimeout+maxProbeTime+time.Second)
				conn.Close()
			}
		})
	})
	t.Run("not offered", func(t *testing.T) {
		inBubble(t, func(t *testing.T, net *pipes, a, b *router) {
			msg, err := initiatorTo(t, a, b, change(mlkem.MLKEM768)).sessionRequest(time.Now())
			if err != nil {
				t.Fatal(err)
			}
			conn := net.connect(t, b)
			go conn.Write(msg)
			silent(t, conn, messageTimeout+maxProbeTime+time.Second)
		})
	})
}

// An encapsulation key that is sealed well but is no key (a coefficient above the modulus) is refused before an answer.
func TestInvalidEncapsulationKey(t *testing.T) {
	for _, p := range allSizes() {
		inHybridBubble(t, p, func(t *testing.T, net *pipes, a, b *router) {
			e, err := keys.GenerateX25519()
			if err != nil {
				t.Fatal(err)
			}
			bob := b.transport.cfg.StaticKey.Public()
			o := newObfuscator(b.keys.Identity.Hash(), b.transport.cfg.IV)
			msg := make([]byte, keyLen)
			o.hide(msg, marked(e.Public(), p))
			s := noise.New(protocolName(p))
			x := e.Public()
			s.MixHash(nil)
			s.MixHash(bob[:])
			s.MixHash(x[:])
			es, err := e.DH(bob)
			if err != nil {
				t.Fatal(err)
			}
			s.MixKey(es[:])
			msg = s.EncryptAndHash(msg, bytes.Repeat([]byte{0xff}, p.EncapsulationKeySize()))
			msg = s.EncryptAndHash(msg, requestOptions{networkID: testNetwork, version: version, confirmed2: 1000, timeInitiator: seconds(time.Now())}.append(nil))
			conn := net.connect(t, b)
			go conn.Write(msg)
			silent(t, conn, messageTimeout+maxProbeTime+time.Second)
			if st := b.transport.Stats(); st.Refused != 1 || st.Accepted != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestHybridReplayIsRefused(t *testing.T) {
	inHybridBubble(t, mlkem.MLKEM768, func(t *testing.T, p *pipes, a, b *router) {
		msg, err := initiatorTo(t, a, b, func(c *initiatorConfig) { c.hybrid = mlkem.MLKEM768 }).sessionRequest(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		first := p.connect(t, b)
		go first.Write(msg)
		if _, err := io.ReadFull(first, make([]byte, createdLen(mlkem.MLKEM768))); err != nil {
			t.Fatalf("the original was not answered: %v", err)
		}
		first.Close()
		again := p.connect(t, b)
		go again.Write(msg)
		silent(t, again, maxProbeTime+time.Second)
		if n := b.transport.Stats().Replays; n != 1 {
			t.Errorf("%d replays", n)
		}
	})
}

// A ciphertext of ML-KEM that was changed on the way, cut, or made for another key ends the dial.
func TestInitiatorRefusesWrongSessionCreated(t *testing.T) {
	for _, p := range allSizes() {
		for name, spoil := range map[string]func(msg []byte) []byte{
			"untouched":      func(msg []byte) []byte { return msg },
			"bad ciphertext": func(msg []byte) []byte { msg[keyLen+5] ^= 1; return msg },
			"bad tag":        func(msg []byte) []byte { msg[createdLen(p)-optionsLen-tagLen-1] ^= 1; return msg },
			"bad options":    func(msg []byte) []byte { msg[createdLen(p)-1] ^= 1; return msg },
			"cut":            func(msg []byte) []byte { return msg[:createdLen(p)-1] },
			"plain part":     func(msg []byte) []byte { return msg[:messageLen] },
		} {
			t.Run(fmt.Sprint(p, " ", name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := newRouter(t, both(new(pipes).on("10.0.0.1:1"), offers(p)))
					b := newRouter(t, both(new(pipes).on("10.0.0.2:2"), offers(p)))
					s := newServer(t.Context(), a.transport, a)
					ours, theirs := net.Pipe()
					defer ours.Close()
					done := make(chan struct{})
					defer close(done)
					go func() {
						defer theirs.Close()
						if name == "untouched" {
							defer func() { <-done }()
						}
						r := newResponder(responderConfig{
							static: b.transport.cfg.StaticKey, iv: b.transport.cfg.IV, self: b.keys.Identity.Hash(),
							networkID: testNetwork, accept: p,
						})
						w := &wire{conn: theirs, until: time.Now().Add(time.Minute)}
						msg, err := w.sessionRequest(r)
						if err != nil {
							t.Error(err)
							return
						}
						padding, _, err := r.sessionRequest(msg, time.Now())
						if err != nil {
							t.Error(err)
							return
						}
						if padding > 0 {
							msg, _ = w.next(padding)
							r.requestPadding(msg)
						}
						created, err := r.sessionCreated(time.Now())
						if err != nil {
							t.Error(err)
							return
						}
						theirs.Write(spoil(created))
						if name == "untouched" {
							msg, err := w.next(r.confirmedLen())
							if err != nil {
								t.Error(err)
								return
							}
							if _, _, err = r.sessionConfirmed(msg); err != nil {
								t.Error(err)
							}
						}
					}()
					e, err := s.initiate(ours, b.self(), a.transport.targets(b.self())[0])
					if (err == nil) != (name == "untouched") || err == nil && e.hybrid != p {
						t.Errorf("dial: %v", err)
					}
				})
			})
		}
	}
}

// A ciphertext that is sealed well but made for another key gives another secret: the options do not open.
func TestCiphertextForAnotherKey(t *testing.T) {
	for _, p := range allSizes() {
		now := time.Unix(1e9, 0)
		bob := keys.NewX25519([32]byte{7})
		ri, static := testRouterInfo(t)
		i, err := newInitiator(initiatorConfig{static: static, networkID: testNetwork, self: ri.Bytes(), peer: bob.Public(), hybrid: p})
		if err != nil {
			t.Fatal(err)
		}
		r := newResponder(responderConfig{static: bob, networkID: testNetwork, accept: p})
		msg, err := i.sessionRequest(now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := feedRequest(r, msg, now); err != nil {
			t.Fatal(err)
		}
		other, err := mlkem.GenerateKey(p)
		if err != nil {
			t.Fatal(err)
		}
		r.kem = other.EncapsulationKey()
		if msg, err = r.sessionCreated(now); err != nil {
			t.Fatal(err)
		}
		if _, err := feedCreated(i, msg, now); !errors.Is(err, noise.ErrAuthentication) {
			t.Errorf("%v: %v", p, err)
		}
	}
}

// The padding of hybrid messages has the bounds of "Maximum Padding".
func TestHybridPaddingBounds(t *testing.T) {
	for _, p := range allSizes() {
		for _, n := range []int{requestLen(p), createdLen(p)} {
			if sentPadding(p, n) > acceptedPadding(p, n) {
				t.Errorf("%v: sends more padding than is taken", p)
			}
			o := requestOptions{version: version, padding: uint16(n), confirmed2: 900}
			if _, err := parseRequestOptions(o.append(nil), acceptedPadding(p, n)); err != nil {
				t.Errorf("%v: %v", p, err)
			}
			o.padding++
			if _, err := parseRequestOptions(o.append(nil), acceptedPadding(p, n)); err == nil {
				t.Errorf("%v: %d bytes of padding taken", p, o.padding)
			}
			c := createdOptions{padding: uint16(n + 1)}
			if _, err := parseCreatedOptions(c.append(nil), acceptedPadding(p, n)); err == nil {
				t.Errorf("%v: %d bytes of padding taken", p, c.padding)
			}
		}
	}
}

func TestHybridClockSkew(t *testing.T) {
	inHybridBubble(t, mlkem.MLKEM768, func(t *testing.T, p *pipes, a, b *router) {
		a.clock.SetOffset(90 * time.Second)
		if _, err := a.transport.Dial(t.Context(), b.self()); !errors.Is(err, transport.ErrClockSkew) {
			t.Fatalf("dial: %v", err)
		}
		if len(a.skews) != 1 {
			t.Fatalf("initiator learned %v", a.skews)
		}
	})
}

// A hybrid message that comes too slowly ends within the time of one message, not of two.
func TestHybridHandshakeTimesOut(t *testing.T) {
	inHybridBubble(t, mlkem.MLKEM768, func(t *testing.T, p *pipes, a, b *router) {
		msg, err := initiatorTo(t, a, b, func(c *initiatorConfig) { c.hybrid = mlkem.MLKEM768 }).sessionRequest(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		conn := p.connect(t, b)
		go func() {
			time.Sleep(messageTimeout - time.Second)
			conn.Write(msg[:messageLen])
		}()
		silent(t, conn, messageTimeout+maxProbeTime)
	})
}

func BenchmarkHandshake(b *testing.B) {
	ri, static := testRouterInfo(b)
	bob := keys.NewX25519([32]byte{7})
	for _, p := range append([]mlkem.Params{0}, allSizes()...) {
		run := func(b *testing.B, initiatorOnly, responderOnly bool) {
			b.ReportAllocs()
			now := time.Now()
			for b.Loop() {
				timed := func(ours bool, f func()) {
					if !ours {
						b.StopTimer()
						defer b.StartTimer()
					}
					f()
				}
				var i *initiator
				var r *responder
				var msg []byte
				var err error
				must := func() {
					if err != nil {
						b.Fatal(err)
					}
				}
				timed(!responderOnly, func() {
					i, err = newInitiator(initiatorConfig{static: static, networkID: testNetwork, self: ri.Bytes(), peer: bob.Public(), hybrid: p})
					must()
					msg, err = i.sessionRequest(now)
					must()
				})
				timed(!initiatorOnly, func() {
					r = newResponder(responderConfig{static: bob, networkID: testNetwork, accept: p})
					_, err = feedRequest(r, msg, now)
					must()
					msg, err = r.sessionCreated(now)
					must()
				})
				timed(!responderOnly, func() {
					_, err = feedCreated(i, msg, now)
					must()
					msg, err = i.sessionConfirmed()
					must()
				})
				timed(!initiatorOnly, func() {
					var payload confirmedPayload
					var s keys.X25519Public
					s, payload, err = feedConfirmed(r, msg)
					must()
					if refusal := checkPeer(payload.routerInfo, s, netip.Addr{}, 77, false, payload.routerInfo.Published()); refusal != nil {
						b.Fatal(refusal)
					}
				})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "handshakes/s")
		}
		name := cryptoName(p)
		b.Run(name+"/both", func(b *testing.B) { run(b, false, false) })
		b.Run(name+"/responder", func(b *testing.B) { run(b, false, true) })
	}
}
