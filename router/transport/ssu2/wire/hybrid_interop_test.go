//go:build linux

package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/interop/interoptest"
	"clove.i2p/tests/netns"
)

// TestHybridInteropWithI2pd does whole handshakes of each kind with an i2pd that has ML-KEM, from either side. The i2pd of Debian 12
// has none, so that this is for whoever names one. CLOVE_INTEROP_RECORD=file writes what was sent: testdata is made like that.
func TestHybridInteropWithI2pd(t *testing.T) {
	program, inside := interoptest.InsideHybrid(t)
	if !inside {
		return
	}
	var file []hybridRecording
	for _, v := range variants {
		t.Run(v.String(), func(t *testing.T) {
			// It takes the MTU of loopback for 1280, which is too small for ML-KEM-768.
			_, peer := interoptest.Start(t, program, interop.SSU2, i2pdPort, newInteropRouter(t, 99).info,
				"--ssu2.mtu4=1500", fmt.Sprintf("--ssu2.version=%d", v.Version()))
			a := newHybridRouter(t, 20, v)
			rec := hybridRecording{Version: v.Version(), Outbound: a.connectAs(peer, v)}
			for host := byte(21); ; host++ {
				b := newHybridRouter(t, host, v)
				a.send(store(b.info))
				a.send(i2np.DatabaseLookup{Key: a.info.Hash(), From: b.info.Hash(), LookupType: i2np.LookupRouterInfo})
				a.flush(&rec.Outbound, wire.ConnectionID(rec.Outbound.SrcID))
				var err error
				if rec.Inbound, err = b.acceptAs(peer, v); err == nil {
					break
				}
				if host == 30 {
					t.Fatal(err)
				}
				t.Log(err)
			}
			file = append(file, rec)
		})
	}
	if path := os.Getenv("CLOVE_INTEROP_RECORD"); path != "" && !t.Failed() {
		out, err := json.MarshalIndent(file, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(out, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// pqOption is what the address of a router with one hybrid handshake says.
func pqOption(v wire.Variant) string {
	if v == wire.Plain {
		return ""
	}
	return strconv.Itoa(int(v.Version()))
}

// newHybridRouter is a router that publishes a handshake.
func newHybridRouter(t *testing.T, host byte, v wire.Variant) *interopRouter {
	t.Helper()
	r := newInteropRouter(t, host)
	options := map[string]string{}
	for k, value := range r.info.Addresses()[0].Options.All() {
		options[k] = value
	}
	if v != wire.Plain {
		options["pq"] = pqOption(v)
	}
	a, err := i2p.NewRouterAddress(8, "SSU2", options)
	if err != nil {
		t.Fatal(err)
	}
	r.info, err = i2p.NewRouterInfo(r.keys, time.Now(), []i2p.RouterAddress{a}, map[string]string{
		"netId": strconv.Itoa(netns.NetworkID), "router.version": "0.9.70", "caps": "LR",
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// connectAs is Alice's side, up to the Ack of SessionConfirmed.
func (r *interopRouter) connectAs(peer *i2p.RouterInfo, v wire.Variant) (rec recording) {
	r.t.Helper()
	a, _ := ssu2Address(peer)
	static, _ := a.StaticKey()
	intro, _ := a.IntroKey()
	r.peer = a.AddrPort()
	i, err := wire.NewInitiator(wire.InitiatorConfig{
		NetworkID: netns.NetworkID, Variant: v, SrcID: wire.ConnectionID(rand.Uint64()), DestID: wire.ConnectionID(rand.Uint64()),
		Static: r.static, RemoteStatic: static, RemoteIntro: intro, RemoteHash: peer.Hash(), Random: rand.NewChaCha8(r.seed),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	key, hash := r.static.Bytes(), peer.Hash()
	rec = recording{
		NetworkID: netns.NetworkID, Seed: r.seed[:], Static: key[:], Intro: r.intro[:], PeerStatic: static[:], PeerIntro: intro[:],
		PeerHash: hash[:], SrcID: uint64(i.SrcID()), DestID: uint64(i.DestID()),
	}
	rec.TokenPayload = dateTime()
	rec.TokenRequest = i.TokenRequest(rec.TokenPayload)
	var token wire.Token
	r.exchange("TokenRequest", func(packet []byte) error {
		rec.Retry = clone(packet)
		h, _, err := i.OpenRetry(packet)
		token = h.Token
		return err
	}, rec.TokenRequest)
	rec.RequestPayload = dateTime()
	seedKEM(r.t, rec)
	if rec.Request, err = i.Request(token, rec.RequestPayload); err != nil {
		r.t.Fatal(err)
	}
	r.exchange("SessionRequest", func(packet []byte) error {
		rec.Created = clone(packet)
		_, _, err := i.OpenCreated(packet)
		return err
	}, rec.Request)
	if rec.ConfirmedPayload, err = wire.AppendRouterInfo(nil, r.info.Bytes(), false, 1<<15); err != nil {
		r.t.Fatal(err)
	}
	packets, err := i.Confirmed(rec.ConfirmedPayload, wire.MaxPacket)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range packets {
		rec.Confirmed = append(rec.Confirmed, clone(p))
	}
	r.start(i.Keys(), intro, i.DestID())
	r.number = 1 // SessionConfirmed was 0
	r.exchange("SessionConfirmed", r.takeData(&rec, i.SrcID()), packets...)
	return rec
}

// acceptAs is Bob's side, up to the first message. The error is i2pd's: see accept; or it looked the lookup's sender up before it
// had stored it, and does not dial.
func (r *interopRouter) acceptAs(peer *i2p.RouterInfo, v wire.Variant) (rec recording, err error) {
	r.t.Helper()
	a, _ := ssu2Address(peer)
	theirIntro, _ := a.IntroKey()
	static, _ := a.StaticKey()
	key, hash, own, intro := r.static.Bytes(), r.info.Hash(), wire.NewHeaderKey(r.intro), wire.NewIntro(r.intro)
	rec = recording{
		NetworkID: netns.NetworkID, Seed: r.seed[:], Static: key[:], Intro: r.intro[:], PeerStatic: static[:], PeerIntro: theirIntro[:], SelfHash: hash[:],
	}
	b := wire.NewResponder(wire.ResponderConfig{
		NetworkID: netns.NetworkID, Static: r.static, Intro: r.intro, Hash: hash,
		MLKEM512: v == wire.MLKEM512, MLKEM768: v == wire.MLKEM768, Random: rand.NewChaCha8(r.seed),
	})
	const token = 0x0102030405060708
	answer := func(packet []byte) {
		if _, err := r.socket.WriteToUDPAddrPort(packet, r.peer); err != nil {
			r.t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		packet, from, err := r.read(5 * time.Second)
		if err != nil && !r.peer.IsValid() {
			return rec, errors.New("i2pd does not connect")
		}
		if err != nil {
			continue
		}
		r.peer = from
		if h, err := wire.OpenHeader(packet, own, own); rec.Created == nil {
			if err != nil || h.Version != v.Version() {
				r.t.Fatalf("%+v from i2pd: %v", h, err)
			}
			switch {
			case h.Type == wire.TokenRequest || h.Type == wire.SessionRequest && h.Token != token:
				if h.Type == wire.TokenRequest {
					rec.TokenRequest = clone(packet)
				}
				answer(intro.Seal(wire.RetryTo(h, token, rand.Uint32()), wire.AppendAddress(wire.AppendDateTime(nil, time.Now()), from)))
			case h.Type == wire.SessionRequest:
				rec.Request = clone(packet)
				if _, _, err := b.OpenRequest(packet); err != nil {
					r.t.Fatal(err)
				}
				rec.CreatedPayload = wire.AppendAddress(wire.AppendDateTime(nil, time.Now()), from)
				seedKEM(r.t, rec)
				if rec.Created, err = b.Created(rec.CreatedPayload); err != nil {
					r.t.Fatal(err)
				}
				answer(rec.Created)
			default:
				r.t.Fatalf("%v from i2pd", h.Type)
			}
			continue
		}
		if r.seal == nil {
			wireBytes := clone(packet)
			payload, complete, err := b.OpenConfirmed(packet)
			if err != nil {
				continue // a SessionRequest that came again, data that overtook it
			}
			rec.Confirmed = append(rec.Confirmed, wireBytes)
			if !complete {
				continue
			}
			if b.RemoteStatic() != static || b.Variant() != v {
				r.t.Fatalf("another static key, or %v", b.Variant())
			}
			if ri, err := confirmedInfo(payload); err != nil {
				return rec, err
			} else if ri.Hash() != peer.Hash() {
				r.t.Fatal("another router")
			}
			r.start(b.Keys(), theirIntro, b.DestID())
			r.write(wire.AppendAck(nil, 0, 0, nil)) // i2pd sends nothing before
			continue
		}
		if err := r.takeData(&rec, b.SrcID())(packet); err == nil && r.messages > 0 {
			return rec, nil
		}
	}
	r.t.Fatal("i2pd does not connect")
	return rec, nil
}
