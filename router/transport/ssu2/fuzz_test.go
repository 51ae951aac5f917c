package ssu2

import (
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// FuzzPackets gives a transport with one session a row of packets: arbitrary ones, and arbitrary payloads that were sealed as
// a peer, a stranger or an initiator would. Nothing panics, and nothing is kept but what limits.go says.
//
//	kind 1 | length 1 | bytes
func FuzzPackets(f *testing.F) {
	for kind := range byte(7) {
		f.Add([]byte{kind, 12, 0, 0, 4, 0, 0, 0, 0, 254, 0, 2, 0, 0})
		f.Add([]byte{kind, 8, 6, 0, 9, 0, 0, 0, 0, 0, kind, 8, 18, 0, 8, 1, 2, 3, 4, 5})
	}
	f.Add([]byte{1, 11, 18, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 9, 13, 0, 6, 1, 1, 11, 0, 0, 1, 1, 15, 17, 0, 12, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, b, ours, theirs := pair(t)
		b.infos, b.closed, b.opened = make(chan *i2p.RouterInfo, 1<<10), make(chan error, 1<<10), nil
		b.onBatch = func(msgs []*buf.Buf) {
			for _, m := range msgs {
				m.Release()
			}
		}
		s := theirs.s
		w, r := newWriter(t.Context(), theirs.link), &reader{l: theirs.link}
		intro := wire.NewIntro(s.cfg.IntroKey)
		from := netip.MustParseAddrPort("11.0.5.5:5")
		static := keys.NewX25519([32]byte{1, 2, 3})
		now, number := time.Now(), uint32(0)
		for step := 0; len(data) >= 2 && step < 64; step++ {
			kind, n := data[0], min(int(data[1]), len(data)-2)
			payload := data[2 : 2+n]
			data = data[2+n:]
			padded := append(append(make([]byte, 0, 600), payload...), make([]byte, max(0, wire.MinPayload-n))...)
			p := udp.Packet{Data: padded, From: from}
			switch kind % 7 {
			case 1, 2: // in the session, from where it is or from elsewhere
				number++
				p.Data = ours.sealer.Seal(append(make([]byte, wire.ShortHeaderLen, 700), padded...), ours.remoteID, number, kind > 100)
				if kind%7 == 1 {
					p.From = ours.link.local
				}
			case 3, 4: // outside
				types := [...]wire.Type{wire.TokenRequest, wire.PeerTestPacket, wire.HolePunch, wire.Retry}
				p.Data = intro.Seal(wire.Header{DestID: 7, SrcID: 8, Type: types[kind%4], Version: 2, NetworkID: testNetwork, Number: number}, padded)
			case 5, 6: // a handshake
				id := wire.ConnectionID(1000 + uint64(kind))
				i, err := wire.NewInitiator(wire.InitiatorConfig{
					NetworkID: testNetwork, SrcID: id, DestID: id + 1000, Static: static,
					RemoteStatic: s.cfg.StaticKey.Public(), RemoteIntro: s.cfg.IntroKey,
				})
				if err != nil {
					t.Fatal(err)
				}
				body := padded
				if kind%7 == 6 {
					body = wire.AppendPadding(wire.AppendDateTime(nil, now), 4)
				}
				if p.Data, err = i.Request(s.mint.retry(from, now), body); err != nil {
					t.Fatal(err)
				}
				r.batch([]udp.Packet{p}, now)
				work(s)
				h, _ := s.table.find(id + 1000).(*inbound)
				if h == nil || h.created == nil {
					continue
				}
				if _, _, err := i.OpenCreated(append([]byte(nil), h.created...)); err != nil {
					t.Fatal(err)
				}
				confirmed, err := i.Confirmed(append(wire.AppendBlockHeader(nil, wire.BlockRouterInfo, n), padded...), 200)
				if err != nil {
					continue
				}
				for _, c := range confirmed {
					r.batch([]udp.Packet{{Data: c, From: from}}, now)
				}
				work(s)
				continue
			}
			r.batch([]udp.Packet{p}, now)
			work(s)
			w.round(now)
			now = now.Add(50 * time.Millisecond)
		}
		if s.table.size() > 70 || len(s.nat.queue) > maxNATQueue || s.held.Load() > maxAllHeld {
			t.Fatal("too much is kept")
		}
	})
}

// work does what waits for the workers.
func work(s *server) {
	for s.workers.n > 0 {
		s.workers.take()()
	}
}

// FuzzTarget reads the options of addresses that others publish.
func FuzzTarget(f *testing.F) {
	f.Add("2", "4,3", "1400", "11.0.0.1", "9000", "BC")
	f.Add("2,3", "9,,x,3,3", "-1", "", "", "46")
	key := i2p.EncodeBase64(make([]byte, 32))
	f.Fuzz(func(t *testing.T, v, pq, mtu, host, port, caps string) {
		a, err := i2p.NewRouterAddress(5, "SSU2", map[string]string{
			"s": key, "i": key, "v": v, "pq": pq, "mtu": mtu, "host": host, "port": port, "caps": caps,
		})
		if err != nil {
			return
		}
		to, ok := parseTarget(a)
		if !ok {
			return
		}
		if to.mtu < minMTU || to.mtu > maxMTU {
			t.Fatalf("mtu %d", to.mtu)
		}
		for _, v := range to.variants {
			if v != wire.MLKEM512 && v != wire.MLKEM768 {
				t.Fatalf("variant %d", v)
			}
		}
	})
}
