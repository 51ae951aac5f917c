package ssu2

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// FuzzDial plays the peer of a dial, of each variant: Retries and SessionCreated with arbitrary payloads, genuine and changed packets
// in any order, then whatever a session may bring, with the engine of peer tests and relays behind it; or it dials us. Nothing
// panics, there is no session without SessionCreated, and nothing is kept but what limits.go says.
//
//	variant 1 | (kind 1 | length 1 | bytes)*
func FuzzDial(f *testing.F) {
	date := wire.AppendDateTime(nil, time.Now())
	step := func(kind byte, payload []byte) []byte { return append([]byte{kind, byte(len(payload))}, payload...) }
	for v := range byte(3) {
		good := slices.Concat([]byte{v}, step(0, nil), step(2, nil))
		f.Add(good)
		for _, block := range [][]byte{
			date, wire.AppendTermination(nil, 0, wire.ReasonVersion), wire.AppendAddress(nil, netip.MustParseAddrPort("11.0.5.5:5")),
			wire.AppendNewToken(nil, 7, time.Now()), wire.AppendRelayTag(nil, 9), wire.AppendAck(nil, 3, 3, nil),
			wire.AppendPathChallenge(nil, make([]byte, 8)), wire.AppendBlock(nil, wire.BlockPeerTest, make([]byte, 90)),
			wire.AppendBlock(nil, wire.BlockRelayIntro, make([]byte, 130)), wire.AppendBlock(nil, wire.BlockRouterInfo, make([]byte, 90)),
			wire.AppendBlock(nil, wire.BlockRelayTagRequest, nil), wire.AppendBlock(nil, wire.BlockI2NP, make([]byte, 30)),
		} {
			f.Add(slices.Concat([]byte{v}, step(1, block), step(3, append(date, block...))))
			f.Add(slices.Concat(good, step(4, block), step(5, []byte{7}), step(4, block)))
		}
		for _, kind := range []byte{8, 19, 30, 41} {
			f.Add(slices.Concat(good, step(9, nil), step(kind, append(date, make([]byte, 90)...))))
			f.Add(slices.Concat([]byte{v}, step(kind, append(date, wire.AppendBlock(nil, wire.BlockPeerTest, append([]byte{5}, make([]byte, 89)...))...))))
		}
		for _, kind := range []byte{10, 21, 32} {
			f.Add(slices.Concat([]byte{v}, step(kind, nil), step(0, nil), step(2, nil), step(kind, date), step(4, date), step(kind, []byte{1})))
		}
		f.Add(slices.Concat([]byte{v}, step(6, make([]byte, 60)), step(0, nil), step(7, []byte{90}), step(0, nil), step(2, nil), step(2, nil)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		made := func(n byte) *router {
			return newRouter(t, func(c *Config, d *Deps) {
				c.Listen, c.PostQuantum = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, 0, 0, n}), 9000)}, []byte{4, 3}
				d.Logger = nil
				d.Listen = func(_ context.Context, at netip.AddrPort) (Socket, error) { return deadSocket{at}, nil }
			})
		}
		a, bob := made(1), made(2)
		a.onBatch = func(msgs []*buf.Buf) {
			for _, m := range msgs {
				m.Release()
			}
		}
		s, err := newServer(t.Context(), a.transport, a)
		if err != nil {
			t.Fatal(err)
		}
		at, to := bob.transport.bound[0], a.transport.targets(bob.self())[0]
		d := &dial{
			s: s, l: s.links[0], ri: bob.self(), peer: bob.hash(), at: at, target: to, intro: wire.NewHeaderKey(to.intro),
			variant: wire.Variant(data[0] % 3),
			packets: make(chan []byte, maxHeldDial), crossed: make(chan *session, 1), established: make(chan struct{}),
		}
		if err := s.table.enterDial(d); err != nil {
			t.Fatal(err)
		}
		if err := d.begin(); err != nil {
			t.Fatal(err)
		}
		now, number := time.Now(), uint32(0)
		w, r, intro := newWriter(t.Context(), s.links[0]), &reader{l: s.links[0]}, wire.NewIntro(to.intro)
		ours := wire.NewIntro(a.transport.cfg.IntroKey)
		hs := wire.NewResponder(wire.ResponderConfig{
			NetworkID: testNetwork, Static: bob.transport.cfg.StaticKey, Intro: to.intro, Hash: bob.hash(), MLKEM512: true, MLKEM768: true,
		})
		var sn *session
		var seal *wire.Sealer
		var last, created []byte
		deliver := func(p []byte) (end bool) {
			last = slices.Clone(p)
			r.batch([]udp.Packet{{Data: p, From: at}}, now)
			for len(d.packets) > 0 && sn == nil {
				if sn, err = d.answer(t.Context(), <-d.packets); err != nil {
					return true
				}
			}
			for len(s.nat.queue) > 0 {
				do := <-s.nat.queue
				s.nat.mu.Lock()
				do(now)
				s.nat.engine.Tick(now)
				s.nat.mu.Unlock()
			}
			return false
		}
		for rest := data[1:]; len(rest) >= 2 && number < 64; number++ {
			kind, n := rest[0], min(int(rest[1]), len(rest)-2)
			body := rest[2 : 2+n]
			rest = rest[2+n:]
			padded := append(slices.Clone(body), make([]byte, max(0, wire.MinPayload-n))...)
			var p []byte
			switch kind % 11 {
			case 0, 1: // Retry, with a token and what belongs into it, or with anything
				h, err := wire.OpenHeader(slices.Clone(d.flight), intro.Key(), intro.Key())
				if err != nil {
					t.Fatal(err)
				}
				token := wire.Token(number + 1)
				if kind%11 == 0 {
					padded = wire.AppendAddress(wire.AppendDateTime(nil, now), s.links[0].local)
				} else if kind > 127 {
					token = 0
				}
				p = intro.Seal(wire.RetryTo(h, token, number), padded)
			case 2, 3: // SessionCreated
				if _, _, err := hs.OpenRequest(slices.Clone(d.flight)); err == nil {
					if kind%11 == 2 {
						padded = wire.AppendAddress(wire.AppendDateTime(nil, now), s.links[0].local)
					}
					if created, err = hs.Created(padded); err != nil {
						t.Fatal(err)
					}
				}
				p = slices.Clone(created)
			case 4: // data, out of order if it is large
				if seal != nil {
					p = seal.Seal(append(make([]byte, wire.ShortHeaderLen, 700), padded...), d.id, number, kind > 127)
				}
			case 5: // the last one again, a byte changed
				if p = slices.Clone(last); len(p) > 0 && n > 0 {
					p[int(body[0])%len(p)] ^= kind
				}
			case 6: // anything
				p = slices.Clone(body)
			case 7: // time goes by, with what the writer does
				now = now.Add(time.Duration(n) * 50 * time.Millisecond)
				w.round(now)
				continue
			case 8: // out of session, under our key
				types := [...]wire.Type{wire.PeerTestPacket, wire.HolePunch, wire.TokenRequest, wire.Retry}
				p = ours.Seal(wire.Header{DestID: 7, SrcID: 8, Number: number, Type: types[kind/11%4], Version: 2, NetworkID: testNetwork}, padded)
			case 9:
				s.nat.test(nat.Family(kind / 11 % 2))
				continue
			case 10: // it dials us meanwhile, perhaps with what makes no sense
				i, err := wire.NewInitiator(wire.InitiatorConfig{
					NetworkID: testNetwork, Variant: wire.Variant(kind / 11 % 3),
					SrcID: wire.ConnectionID(100 + number), DestID: wire.ConnectionID(1000 + number),
					Static: bob.transport.cfg.StaticKey, RemoteStatic: a.transport.cfg.StaticKey.Public(), RemoteIntro: a.transport.cfg.IntroKey,
					RemoteHash: a.hash(),
				})
				if err != nil {
					t.Fatal(err)
				}
				request := wire.AppendPadding(wire.AppendDateTime(nil, now), 9)
				if n%2 == 1 {
					request = padded
				}
				p, err := i.Request(s.mint.retry(at, now), request)
				if err != nil {
					t.Fatal(err)
				}
				r.batch([]udp.Packet{{Data: p, From: at}}, now)
				work(s)
				h, _ := s.table.find(wire.ConnectionID(1000 + number)).(*inbound)
				if h == nil || h.created == nil {
					continue
				}
				if _, _, err := i.OpenCreated(slices.Clone(h.created)); err != nil {
					t.Fatal(err)
				}
				info, err := wire.AppendRouterInfo(nil, bob.self().Bytes(), false, 1<<15)
				if err != nil {
					t.Fatal(err)
				}
				confirmed, err := i.Confirmed(append(info, body...), 400)
				if err != nil {
					continue // the blocks make no payload
				}
				for _, p := range confirmed {
					r.batch([]udp.Packet{{Data: p, From: at}}, now)
				}
				work(s)
				continue
			}
			if len(p) > 0 && deliver(p) {
				break // the dial has ended
			}
			if sn != nil && seal == nil {
				if created == nil {
					t.Fatal("a session without SessionCreated")
				}
				if c := sn.confirm; c != nil {
					for _, p := range c.packets {
						if _, complete, err := hs.OpenConfirmed(slices.Clone(p)); err != nil {
							t.Fatal(err)
						} else if complete {
							seal = wire.NewSealer(hs.Keys().Send, wire.NewHeaderKey(a.transport.cfg.IntroKey))
						}
					}
				}
			}
			w.round(now)
		}
		if s.table.size() > 70 || len(s.links[0].raw) > maxRaw || len(s.nat.queue) > maxNATQueue || len(s.purse.got.entries) > 2 {
			t.Fatal("too much is kept")
		}
		s.table.leaveDial(d)
	})
}
