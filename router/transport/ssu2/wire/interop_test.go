//go:build linux

package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/interop/interoptest"
	"clove.i2p/tests/netns"
)

// i2pdPort is where the one i2pd listens.
const i2pdPort = 9200

// TestInteropWithI2pd does whole handshakes with i2pd, from either side, over plain sockets in a network namespace of its own.
// CLOVE_INTEROP_RECORD=file writes what was sent: testdata is made like that.
func TestInteropWithI2pd(t *testing.T) {
	program, inside := interoptest.Inside(t)
	if !inside {
		return
	}
	_, peer := interoptest.Start(t, program, interop.SSU2, i2pdPort, nil)
	var record struct{ Outbound, Inbound recording }

	a := newInteropRouter(t, 20)
	record.Outbound = a.connect(peer)

	// A floodfill sends the answer to a lookup to the router that is named there: to another one of ours, to which it has to connect.
	for host := byte(21); ; host++ {
		b := newInteropRouter(t, host)
		a.send(store(b.info))
		a.send(i2np.DatabaseLookup{Key: a.info.Hash(), From: b.info.Hash(), LookupType: i2np.LookupRouterInfo})
		a.flush(&record.Outbound, wire.ConnectionID(record.Outbound.SrcID))
		var err error
		if record.Inbound, err = b.accept(peer); err == nil {
			break
		}
		if host == 25 {
			t.Fatal(err)
		}
		t.Log(err)
	}

	if path := os.Getenv("CLOVE_INTEROP_RECORD"); path != "" {
		out, err := json.MarshalIndent(record, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(out, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func store(ri *i2p.RouterInfo) i2np.Body { return i2np.DatabaseStore{Key: ri.Hash(), Data: ri.Bytes()} }

func ssu2Address(ri *i2p.RouterInfo) (i2p.RouterAddress, bool) {
	for _, a := range ri.Addresses() {
		if a.Style == "SSU2" && a.AddrPort().IsValid() {
			return a, true
		}
	}
	return i2p.RouterAddress{}, false
}

// An interopRouter is just enough of a router: keys, a socket, at the end one session.
type interopRouter struct {
	t      *testing.T
	keys   *i2p.RouterKeys
	static keys.X25519Private
	intro  wire.IntroKey
	seed   [32]byte
	info   *i2p.RouterInfo
	socket *net.UDPConn

	peer     netip.AddrPort
	dest     wire.ConnectionID
	seal     *wire.Sealer
	open     *wire.Opener
	number   uint32 // of the next packet
	acked    uint32 // by i2pd
	messages int    // I2NP from i2pd
	// lastWanted is the last packet that i2pd has to acknowledge.
	lastWanted uint32
}

func newInteropRouter(t *testing.T, host byte) *interopRouter {
	t.Helper()
	r := &interopRouter{t: t}
	var err error
	if r.keys, err = i2p.NewRouterKeys(); err != nil {
		t.Fatal(err)
	}
	if r.static, err = keys.GenerateX25519(); err != nil {
		t.Fatal(err)
	}
	for i := range r.seed {
		r.seed[i], r.intro[i] = byte(rand.Uint32()), byte(rand.Uint32())
	}
	address := netip.AddrPortFrom(netns.Host(host), 9300+uint16(host))
	if r.socket, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.socket.Close() })
	s := r.static.Public()
	a, err := i2p.NewRouterAddress(8, "SSU2", map[string]string{
		"host": address.Addr().String(), "port": strconv.Itoa(int(address.Port())), "v": "2", "caps": "4",
		"s": i2p.EncodeBase64(s[:]), "i": i2p.EncodeBase64(r.intro[:]),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.info, err = i2p.NewRouterInfo(r.keys, time.Now(), []i2p.RouterAddress{a}, map[string]string{
		"netId": strconv.Itoa(netns.NetworkID), "router.version": "0.9.66", "caps": "LR",
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read returns the next packet.
func (r *interopRouter) read(d time.Duration) ([]byte, netip.AddrPort, error) {
	if err := r.socket.SetReadDeadline(time.Now().Add(d)); err != nil {
		return nil, netip.AddrPort{}, err
	}
	b := make([]byte, 2048)
	n, from, err := r.socket.ReadFromUDPAddrPort(b)
	return b[:n], from, err
}

// exchange sends packets, again and again as they may be lost, until take is happy with an answer.
func (r *interopRouter) exchange(what string, take func(packet []byte) error, packets ...[]byte) {
	r.t.Helper()
	var last error
	for range 15 {
		for _, p := range packets {
			if _, err := r.socket.WriteToUDPAddrPort(p, r.peer); err != nil {
				r.t.Fatal(err)
			}
		}
		for until := time.Now().Add(2 * time.Second); ; {
			packet, _, err := r.read(time.Until(until))
			if err != nil {
				break
			}
			if last = take(packet); last == nil {
				return
			}
		}
	}
	r.t.Fatalf("no answer to %s, last error: %v", what, last)
}

func dateTime() []byte { return wire.AppendPadding(wire.AppendDateTime(nil, time.Now()), 8) }

// connect is Alice's side: TokenRequest, Retry, SessionRequest, SessionCreated, SessionConfirmed in two fragments, the Ack.
func (r *interopRouter) connect(peer *i2p.RouterInfo) (rec recording) {
	r.t.Helper()
	a, _ := ssu2Address(peer)
	static, _ := a.StaticKey()
	intro, _ := a.IntroKey()
	r.peer = a.AddrPort()
	seed := rand.NewChaCha8(r.seed)
	i, err := wire.NewInitiator(wire.InitiatorConfig{
		NetworkID: netns.NetworkID, SrcID: wire.ConnectionID(rand.Uint64()), DestID: wire.ConnectionID(rand.Uint64()),
		Static: r.static, RemoteStatic: static, RemoteIntro: intro, RemoteHash: peer.Hash(), Random: seed,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	key := r.static.Bytes()
	hash := peer.Hash()
	rec = recording{
		NetworkID: netns.NetworkID, Seed: r.seed[:], Static: key[:], Intro: r.intro[:], PeerStatic: static[:], PeerIntro: intro[:],
		PeerHash: hash[:], SrcID: uint64(i.SrcID()), DestID: uint64(i.DestID()),
	}

	rec.TokenPayload = dateTime()
	rec.TokenRequest = i.TokenRequest(rec.TokenPayload)
	var token wire.Token
	r.exchange("TokenRequest", func(packet []byte) error {
		wireBytes := clone(packet)
		h, payload, err := i.OpenRetry(packet)
		if err == nil {
			rec.Retry, token = wireBytes, h.Token
			r.logBlocks("Retry", payload)
		}
		return err
	}, rec.TokenRequest)
	if token == 0 {
		r.t.Fatal("refused")
	}

	rec.RequestPayload = dateTime()
	if rec.Request, err = i.Request(token, rec.RequestPayload); err != nil {
		r.t.Fatal(err)
	}
	r.exchange("SessionRequest", func(packet []byte) error {
		wireBytes := clone(packet)
		_, payload, err := i.OpenCreated(packet)
		if err == nil {
			rec.Created = wireBytes
			r.logBlocks("SessionCreated", payload)
		}
		return err
	}, rec.Request)

	// Two fragments: without gzip, with padding.
	payload, err := wire.AppendRouterInfo(nil, r.info.Bytes(), false, 1<<15)
	if err != nil {
		r.t.Fatal(err)
	}
	rec.ConfirmedPayload = wire.AppendPadding(payload, 1800-len(payload))
	packets, err := i.Confirmed(rec.ConfirmedPayload, wire.MaxPacket)
	if err != nil || len(packets) != 2 {
		r.t.Fatalf("%d packets, %v", len(packets), err)
	}
	for _, p := range packets {
		rec.Confirmed = append(rec.Confirmed, clone(p))
	}
	r.start(i.Keys(), intro, i.DestID())
	r.number = 1 // SessionConfirmed was 0
	r.exchange("SessionConfirmed", r.takeData(&rec, i.SrcID()), packets[1], packets[0])
	return rec
}

// accept is Bob's side, with a Retry. The error is i2pd's: now and then it sends its RouterInfo while it is writing it, without the
// signature.
func (r *interopRouter) accept(peer *i2p.RouterInfo) (rec recording, err error) {
	r.t.Helper()
	a, _ := ssu2Address(peer)
	theirIntro, _ := a.IntroKey()
	static, _ := a.StaticKey()
	own := wire.NewHeaderKey(r.intro)
	intro := wire.NewIntro(r.intro)
	key := r.static.Bytes()
	hash := r.info.Hash()
	rec = recording{
		NetworkID: netns.NetworkID, Seed: r.seed[:], Static: key[:], Intro: r.intro[:], PeerStatic: static[:], PeerIntro: theirIntro[:], SelfHash: hash[:],
	}
	b := wire.NewResponder(wire.ResponderConfig{
		NetworkID: netns.NetworkID, Static: r.static, Intro: r.intro, Hash: r.info.Hash(), Random: rand.NewChaCha8(r.seed),
	})
	const token = 0x0102030405060708
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		packet, from, err := r.read(10 * time.Second)
		if err != nil {
			continue
		}
		r.peer = from
		if rec.Created == nil {
			h, err := wire.OpenHeader(packet, own, own)
			if err != nil {
				r.t.Fatalf("first packet from i2pd: %v", err)
			}
			switch {
			case h.Type == wire.TokenRequest || h.Type == wire.SessionRequest && h.Token != token:
				if h.Type == wire.TokenRequest {
					rec.TokenRequest = clone(packet)
					_, payload, err := intro.Open(packet, wire.TokenRequest, netns.NetworkID)
					if err != nil {
						r.t.Fatal(err)
					}
					r.logBlocks("TokenRequest", payload)
				}
				answer := intro.Seal(wire.RetryTo(h, token, rand.Uint32()), wire.AppendAddress(wire.AppendDateTime(nil, time.Now()), from))
				if _, err := r.socket.WriteToUDPAddrPort(answer, from); err != nil {
					r.t.Fatal(err)
				}
			case h.Type == wire.SessionRequest:
				rec.Request = clone(packet)
				_, payload, err := b.OpenRequest(packet)
				if err != nil {
					r.t.Fatal(err)
				}
				r.logBlocks("SessionRequest", payload)
				rec.CreatedPayload = wire.AppendAddress(wire.AppendDateTime(nil, time.Now()), from)
				if rec.Created, err = b.Created(rec.CreatedPayload); err != nil {
					r.t.Fatal(err)
				}
				if _, err := r.socket.WriteToUDPAddrPort(rec.Created, from); err != nil {
					r.t.Fatal(err)
				}
			default:
				r.t.Fatalf("%v from i2pd", h.Type)
			}
			continue
		}
		if r.seal == nil {
			wireBytes := clone(packet)
			payload, complete, err := b.OpenConfirmed(packet)
			if err != nil {
				r.t.Logf("waiting for SessionConfirmed: %v", err) // a SessionRequest that came again, data that overtook it
				continue
			}
			rec.Confirmed = append(rec.Confirmed, wireBytes)
			if !complete {
				continue
			}
			r.logBlocks("SessionConfirmed", payload)
			if b.RemoteStatic() != static {
				r.t.Fatal("another static key")
			}
			blocks, _ := wire.ParseBlocks(payload)
			blocks.Next()
			info, _, err := wire.ParseRouterInfo(blocks.Body)
			if err != nil {
				r.t.Fatal(err)
			}
			ri, _, err := i2p.ParseRouterInfo(info)
			if errors.Is(err, i2p.ErrTruncated) {
				return rec, fmt.Errorf("RouterInfo of %d bytes: %w", len(info), err)
			}
			if err != nil || ri.Hash() != peer.Hash() {
				r.t.Fatalf("RouterInfo: %v", err)
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

func (r *interopRouter) start(k wire.DataKeys, intro wire.IntroKey, dest wire.ConnectionID) {
	r.seal, r.open, r.dest = wire.NewSealer(k.Send, wire.NewHeaderKey(intro)), wire.NewOpener(k.Receive), dest
}

// takeData takes a data packet, and acknowledges it.
func (r *interopRouter) takeData(rec *recording, self wire.ConnectionID) func([]byte) error {
	own := wire.NewHeaderKey(r.intro)
	return func(packet []byte) error {
		wireBytes := clone(packet)
		if id, _ := wire.DestID(packet, own); id != self {
			return fmt.Errorf("%w: %x, not %x", wire.ErrConnectionID, id, self)
		}
		number, _, payload, err := r.open.Open(packet, self)
		if err != nil {
			return err
		}
		r.logBlocks(fmt.Sprintf("data %d", number), payload)
		rec.Data = append(rec.Data, wireBytes)
		r.write(wire.AppendAck(nil, number, byte(min(number, 255)), nil))
		return nil
	}
}

func (r *interopRouter) send(m i2np.Body) {
	r.lastWanted = r.number
	r.write(wire.AppendI2NP(nil, i2np.Encode(i2np.NewHeader(m.Type(), time.Now()), m)))
}

func (r *interopRouter) write(payload []byte) {
	r.t.Helper()
	packet := append(make([]byte, wire.ShortHeaderLen, len(payload)+wire.DataOverhead), payload...)
	packet = r.seal.Seal(packet, r.dest, r.number, false)
	r.number++
	if _, err := r.socket.WriteToUDPAddrPort(packet, r.peer); err != nil {
		r.t.Fatal(err)
	}
}

// flush waits until i2pd has acknowledged all that was sent, sending nothing again: i2pd has no reason to lose anything on
// loopback.
func (r *interopRouter) flush(rec *recording, self wire.ConnectionID) {
	r.t.Helper()
	take := r.takeData(rec, self)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		packet, _, err := r.read(time.Second)
		if err == nil {
			err = take(packet)
		}
		if err == nil && r.acked >= r.lastWanted {
			return
		}
	}
	r.t.Fatalf("%d is not acknowledged, %d is", r.lastWanted, r.acked)
}

func (r *interopRouter) logBlocks(what string, payload []byte) {
	r.t.Helper()
	blocks, err := wire.ParseBlocks(payload)
	if err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
	for blocks.Next() {
		if blocks.Type == wire.BlockAck {
			ack, err := wire.ParseAck(blocks.Body)
			if err != nil {
				r.t.Fatal(err)
			}
			r.acked = max(r.acked, ack.Through)
		}
		if blocks.Type == wire.BlockI2NP {
			r.messages++
		}
		r.t.Logf("%s: %v, %d bytes", what, blocks.Type, len(blocks.Body))
	}
}
