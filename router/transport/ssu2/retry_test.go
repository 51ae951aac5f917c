package ssu2

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

// A bob answers the handshakes of one initiator by hand.
type bob struct {
	*router
	intro *wire.Intro
	from  udp.Packet
}

// play reads until the socket is closed, and hands over what opens under the intro key.
func (b *bob) play(each func(packet []byte, h wire.Header)) {
	b.intro = wire.NewIntro(b.transport.cfg.IntroKey)
	b.t.Cleanup(func() { b.transport.Close() })
	go func() {
		var packets [udp.BatchSize]udp.Packet
		for {
			n, err := b.transport.sockets[0].Read(packets[:])
			if err != nil {
				return
			}
			for _, p := range packets[:n] {
				b.from = p
				if h, err := wire.OpenHeader(slices.Clone(p.Data), b.intro.Key(), b.intro.Key()); err == nil {
					each(slices.Clone(p.Data), h)
				}
			}
		}
	}()
}

func (b *bob) send(p []byte) {
	b.transport.sockets[0].Write([]udp.Train{{To: b.from.From, Data: p, Segment: len(p)}})
}

func (b *bob) retry(h wire.Header, token wire.Token, blocks ...byte) {
	payload := append(wire.AppendDateTime(nil, b.clock.Now()), blocks...)
	b.send(b.intro.Seal(wire.RetryTo(h, token, randomNumber()), wire.AppendPadding(payload, 8)))
}

// created answers a SessionRequest, if it opens.
func (b *bob) created(packet []byte) {
	hs := wire.NewResponder(wire.ResponderConfig{
		NetworkID: testNetwork, Static: b.transport.cfg.StaticKey, Intro: b.transport.cfg.IntroKey, Hash: b.hash(),
	})
	if _, _, err := hs.OpenRequest(packet); err != nil {
		return
	}
	p, err := hs.Created(wire.AppendPadding(wire.AppendAddress(wire.AppendDateTime(nil, b.clock.Now()), b.from.From), 8))
	if err != nil {
		b.t.Error(err)
	}
	b.send(p)
}

// slow is a path of half a second to the other end and back.
func slow() simnet.Path { return simnet.Path{Link: simnet.Link{Delay: 250 * time.Millisecond}} }

// Java I2P has one handshake of an address, and forgets it when a SessionRequest has another token or other connection IDs than it said.
func TestRetriesAreFollowedWithTheSameConnectionIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, slow(), nil)
		r, _ := newHost(t, n, 2, slow(), nil)
		b := &bob{router: r}
		var src, dest wire.ConnectionID
		var wants, last wire.Token
		killed, taken := 0, false
		b.play(func(p []byte, h wire.Header) {
			if h.Type != wire.SessionRequest || taken { // SessionConfirmed may look like anything
				return
			}
			if dest != 0 && (h.SrcID != src || h.DestID != dest) {
				t.Error("other connection IDs")
			}
			src, dest = h.SrcID, h.DestID
			switch {
			case wants == 0:
				last++
				wants = last
				b.retry(h, wants)
			case h.Token == wants:
				taken = true
				b.created(p)
			default:
				wants = 0
				killed++
			}
		})
		a.serve()
		a.running().purse.put(r.transport.bound[0], 1<<40, time.Now().Add(time.Hour), time.Now())
		start := time.Now()
		if _, err := a.transport.Dial(t.Context(), r.self()); err != nil {
			t.Errorf("%v; %d handshakes were forgotten", err, killed)
		}
		if took := time.Since(start); took > 2500*time.Millisecond {
			t.Errorf("took %v; %d handshakes were forgotten", took, killed)
		}
	})
}

// A Retry with another token may be late: the peer took the request that went out before.
func TestTheRequestBeforeARetryStillCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), nil)
		r, _ := newHost(t, n, 2, lossy(0), nil)
		b := &bob{router: r}
		taken := false
		b.play(func(p []byte, h wire.Header) {
			switch {
			case taken:
			case h.Type == wire.TokenRequest:
				b.retry(h, 1)
			case h.Token == 1:
				taken = true
				b.retry(h, 2)
				time.Sleep(300 * time.Millisecond)
				b.created(p)
			}
		})
		a.serve()
		if _, err := a.transport.Dial(t.Context(), r.self()); err != nil {
			t.Error(err)
		}
	})
}

// i2pd refuses the version of a hybrid handshake that it does not take, in a Retry without a token.
func TestARefusedVersionIsDialledPlainly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		a, _ := newHost(t, n, 1, lossy(0), offersMLKEM768)
		r, _ := newHost(t, n, 2, lossy(0), offersMLKEM768)
		b := &bob{router: r}
		b.play(func(p []byte, h wire.Header) {
			switch {
			case h.Type == wire.TokenRequest:
				b.retry(h, 1)
			case h.Type != wire.SessionRequest:
			case h.Version != wire.Plain.Version():
				b.retry(h, 0, wire.AppendTermination(nil, 0, wire.ReasonVersion)...)
			default:
				b.created(p)
			}
		})
		a.serve()
		start := time.Now()
		s, err := a.transport.Dial(t.Context(), r.self())
		if err != nil {
			t.Fatal(err)
		}
		if got, took := s.Status().Crypto, time.Since(start); got != "X25519" || took > time.Second {
			t.Errorf("%s after %v", got, took)
		}
	})
}
