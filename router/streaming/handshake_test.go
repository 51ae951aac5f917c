package streaming_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/streaming"
)

const synFlags = streaming.FlagSynchronize | streaming.FlagFromIncluded | streaming.FlagSignatureIncluded |
	streaming.FlagMaxPacketSizeIncluded

// verifies checks a signature as the specification says it is made, with code that is not the package's.
func verifies(p streaming.Packet, by *i2p.Destination) bool {
	n := by.SigningKey().Type.SignatureLen()
	if len(p.Tail) != n {
		return false
	}
	sig := bytes.Clone(p.Tail)
	p.Tail = make([]byte, n)
	return by.Verify(p.Append(nil), sig)
}

func TestSYNIsWhatPeersExpect(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, _ *streaming.Listener) {
		go r.w.a.DialData(r.w.ctx, 5, r.keys.Destination, 80, []byte("GET /"))
		p := r.next()
		peer := r.keys.Destination.Hash()
		switch {
		case p.SendStream != 0 || p.ReceiveStream == 0 || p.Sequence != 0 || p.AckThrough != 0:
			t.Errorf("header: %+v", p)
		case !bytes.Equal(p.NACKs, peer[:]):
			t.Errorf("NACKs %x are not the hash of the peer", p.NACKs)
		case p.Flags != synFlags|streaming.FlagNoAck:
			t.Errorf("flags %#x", p.Flags)
		case p.MaxPacketSize != streaming.MTURatchet:
			t.Errorf("maximum packet size %d", p.MaxPacketSize)
		case p.From.Hash() != r.w.ka.Destination.Hash():
			t.Error("from somebody else")
		case !verifies(p, r.w.ka.Destination):
			t.Error("signature")
		case string(p.Payload) != "GET /":
			t.Errorf("payload %q", p.Payload)
		}
	})
}

func TestSYNReplyIsWhatPeersExpect(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		syn := r.syn(77)
		syn.Payload = []byte("hello")
		r.send(signed(r.keys, syn))
		p := r.next()
		switch {
		case p.SendStream != 77 || p.ReceiveStream == 0 || p.Sequence != 0 || p.AckThrough != 0 || len(p.NACKs) != 0:
			t.Errorf("header: %+v", p)
		case p.Flags != synFlags:
			t.Errorf("flags %#x", p.Flags)
		case !verifies(p, r.w.kb.Destination):
			t.Error("signature")
		}
		c, _ := l.AcceptStream()
		got := make([]byte, 5)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestBadSYNsAreDropped(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		other := destinations()[3].Destination.Hash()
		for _, c := range []struct {
			name string
			drop streaming.Drop
			make func() streaming.Packet
		}{
			{"no signature", streaming.DropSignature, func() streaming.Packet { return r.syn(1) }},
			{"signed by another", streaming.DropSignature, func() streaming.Packet { return signed(destinations()[3], r.syn(2)) }},
			{"changed payload", streaming.DropSignature, func() streaming.Packet {
				p := r.syn(3)
				p.Payload = []byte("GET /a")
				p = signed(r.keys, p)
				p.Payload = []byte("GET /b")
				return p
			}},
			{"changed stream id", streaming.DropSignature, func() streaming.Packet {
				p := signed(r.keys, r.syn(4))
				p.ReceiveStream = 5
				return p
			}},
			{"made for another destination", streaming.DropNotForUs, func() streaming.Packet {
				p := r.syn(6)
				p.NACKs = other[:]
				return signed(r.keys, p)
			}},
			{"hash replaced", streaming.DropSignature, func() streaming.Packet {
				p := r.syn(7)
				p.NACKs = other[:]
				p = signed(r.keys, p)
				p.NACKs = r.syn(7).NACKs
				return p
			}},
			{"no from", streaming.DropMalformed, func() streaming.Packet {
				p := r.syn(8)
				p.Flags &^= streaming.FlagFromIncluded
				return signed(r.keys, p)
			}},
			{"no stream id", streaming.DropMalformed, func() streaming.Packet { return signed(r.keys, r.syn(0)) }},
			{"sequence number", streaming.DropMalformed, func() streaming.Packet {
				p := r.syn(9)
				p.Sequence = 1
				return signed(r.keys, p)
			}},
		} {
			before := drops(r.w, c.drop)
			r.send(c.make())
			if got := r.all(time.Second); len(got) > 0 {
				t.Errorf("%s: answered %+v", c.name, got[0])
			}
			if drops(r.w, c.drop) != before+1 {
				t.Errorf("%s: not counted as such: %v", c.name, r.w.b.Stats().Drops)
			}
		}
		if n := r.w.b.Stats().Conns; n != 0 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestSYNWithoutHashIsTaken(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		p := r.syn(77) // before 0.9.58
		p.NACKs = nil
		r.send(signed(r.keys, p))
		if got := r.next(); got.Flags != synFlags {
			t.Errorf("%+v", got)
		}
	})
}

func TestRepeatedSYNGetsTheReplyAgain(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		r.send(signed(r.keys, r.syn(77)))
		first := r.next()
		time.Sleep(time.Second)
		for range 20 {
			r.send(signed(r.keys, r.syn(77)))
		}
		again := r.all(500 * time.Millisecond)
		if len(again) == 0 || len(again) > 3 {
			t.Fatalf("20 repetitions were answered by %d packets", len(again))
		}
		if again[0].Flags != synFlags || again[0].ReceiveStream != first.ReceiveStream {
			t.Errorf("%+v", again[0])
		}
		if n := r.w.b.Stats().Accepted; n != 1 {
			t.Errorf("%d streams were opened", n)
		}
	})
}

func TestSYNOfEndedStreamIsAReplay(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		syn := signed(r.keys, r.syn(77))
		_, p := r.open(l)
		p.Flags = streaming.FlagReset
		p.Sequence = 1
		r.send(signed(r.keys, p))
		r.all(time.Second)
		r.send(syn)
		if got := r.all(time.Second); len(got) > 0 {
			t.Errorf("answered: %+v", got)
		}
		if drops(r.w, streaming.DropReplay) != 1 {
			t.Errorf("%v", r.w.b.Stats().Drops)
		}
	})
}

func TestSYNFloodIsBounded(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		for id := range streaming.StreamID(2000) {
			r.send(signed(r.keys, r.syn(1000+id)))
		}
		time.Sleep(time.Second)
		limit := streaming.DefaultConfig().MaxConnsPerPeer
		if n := r.w.b.Stats().Conns; n > limit {
			t.Errorf("%d connections of one destination, limit %d", n, limit)
		}
		if drops(r.w, streaming.DropOverload) < 1000 {
			t.Errorf("%v", r.w.b.Stats().Drops)
		}
		// Others still get through.
		a, err := r.w.a.Dial(r.w.ctx, r.w.kb.Destination, 80)
		if err != nil {
			t.Errorf("another destination: %v", err)
		} else {
			a.Close()
		}
	})
}

func TestPacketsThatOvertakeTheSYN(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		early := streaming.Packet{ReceiveStream: 77, Flags: streaming.FlagNoAck}
		r.send(data(early, 2, 0, "c"))
		r.send(data(early, 1, 0, "b"))
		time.Sleep(time.Second)
		p := r.syn(77)
		p.Payload = []byte("a")
		r.send(signed(r.keys, p))
		r.send(data(early, 3, 0, "d"))
		c, err := l.AcceptStream()
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 4)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "abcd" {
			t.Errorf("%q, %v", got, err)
		}
		// Until the peer knows our stream id, nothing but the reply may come: i2pd takes any packet with sequence
		// number 0 for it.
		for _, p := range r.all(time.Second) {
			if p.Flags&streaming.FlagSynchronize == 0 {
				t.Errorf("before the peer has shown our id: %+v", p)
			}
		}
	})
}

func TestEarlyPacketsAreBounded(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		for i := range uint32(1000) {
			r.send(data(streaming.Packet{ReceiveStream: streaming.StreamID(1 + i/100)}, 1+i%100, 0, "x"))
		}
		time.Sleep(time.Second)
		if n := drops(r.w, streaming.DropUnknown); n < 1000-128 {
			t.Errorf("%d of 1000 dropped", n)
		}
	})
}

func TestMTUIsTheSmallerOne(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		for i, c := range []struct {
			included bool
			offered  uint16
			want     int
		}{
			{true, 1812, 1812}, {true, 4000, 1812}, {true, 1730, 1730}, {false, 0, 1730}, {true, 600, 600}, {true, 3, 512},
		} {
			p := r.syn(streaming.StreamID(100 + i))
			p.MaxPacketSize = c.offered
			if !c.included {
				p.Flags &^= streaming.FlagMaxPacketSizeIncluded
			}
			r.send(signed(r.keys, p))
			r.next()
			s, _ := l.AcceptStream()
			s.Write(make([]byte, 5000))
			got := r.wait("data", func(p streaming.Packet) bool { return p.Sequence > 0 })
			if len(got.Payload) != c.want {
				t.Errorf("offered %d: payload %d, want %d", c.offered, len(got.Payload), c.want)
			}
			s.Close()
			r.all(100 * time.Millisecond)
		}
	})
}

func TestOfflineSignature(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		transient, err := keys.GenerateSigning(keys.SigEd25519)
		if err != nil {
			t.Fatal(err)
		}
		offline := func(expires time.Time) []byte {
			b := binary.BigEndian.AppendUint32(nil, uint32(expires.Unix()))
			b = binary.BigEndian.AppendUint16(b, uint16(keys.SigEd25519))
			b = append(b, transient.Public().Key...)
			return append(b, r.keys.Signing.Sign(b)...)
		}
		by := &i2p.DestinationKeys{Destination: r.keys.Destination, Signing: transient}
		syn := func(id streaming.StreamID, expires time.Time) streaming.Packet {
			p := r.syn(id)
			p.Flags |= streaming.FlagOfflineSignature
			p.Tail = offline(expires)
			return signed(by, p)
		}
		r.send(syn(1, time.Now().Add(-time.Hour)))
		if got := r.all(time.Second); len(got) > 0 {
			t.Fatalf("an expired key was taken: %+v", got)
		}
		bad := syn(2, time.Now().Add(time.Hour))
		bad.Tail[10] ^= 1
		r.send(bad)
		if got := r.all(time.Second); len(got) > 0 {
			t.Fatalf("a key without authority was taken: %+v", got)
		}
		r.send(syn(3, time.Now().Add(time.Hour)))
		reply := r.next()
		c, _ := l.AcceptStream()
		// A later CLOSE is signed by the transient key alone.
		p := streaming.Packet{SendStream: reply.ReceiveStream, ReceiveStream: 3, Flags: streaming.FlagClose}
		r.send(signed(r.keys, data(p, 1, 0, "")))
		time.Sleep(time.Second)
		if n := drops(r.w, streaming.DropSignature); n != 3 {
			t.Errorf("CLOSE by the long-term key: %d signatures refused", n)
		}
		r.send(signed(by, data(p, 1, 0, "")))
		if got := readAll(t, c); len(got) != 0 {
			t.Errorf("%q", got)
		}
	})
}

// TestSecondStreamIfTheReplyIsLost is for i2pd: it ignores a SYN that comes again, and repeats its reply after 9 s.
func TestSecondStreamIfTheReplyIsLost(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, _ *streaming.Listener) {
		type result struct {
			c   *streaming.Conn
			err error
		}
		done := make(chan result, 1)
		start := time.Now()
		go func() {
			c, err := r.w.a.Dial(r.w.ctx, r.keys.Destination, 80)
			done <- result{c, err}
		}()
		first := r.next()
		second := r.wait("second stream", func(p streaming.Packet) bool { return p.ReceiveStream != first.ReceiveStream })
		reply := streaming.Packet{
			SendStream: second.ReceiveStream, ReceiveStream: 9, Flags: synFlags &^ streaming.FlagSignatureIncluded,
			From: r.keys.Destination, MaxPacketSize: 1812,
		}
		r.sendTo(r.w.ka, signed(r.keys, reply))
		res := <-done
		if res.err != nil {
			t.Fatal(res.err)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("took %v", d)
		}
		// The late reply to the first one is answered by a RESET.
		reply.SendStream, reply.ReceiveStream = first.ReceiveStream, 8
		r.sendTo(r.w.ka, signed(r.keys, reply))
		reset := r.wait("RESET", func(p streaming.Packet) bool { return p.Flags&streaming.FlagReset != 0 })
		if reset.SendStream != 8 || reset.Sequence != 1 || !verifies(reset, r.w.ka.Destination) {
			t.Errorf("%+v", reset)
		}
		res.c.Close()
	})
}

func TestResetAnswersDial(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, _ *streaming.Listener) {
		done := make(chan error, 1)
		go func() {
			_, err := r.w.a.Dial(r.w.ctx, r.keys.Destination, 80)
			done <- err
		}()
		syn := r.next()
		p := streaming.Packet{SendStream: syn.ReceiveStream, Flags: streaming.FlagReset}
		r.sendTo(r.w.ka, p) // without a signature: anybody could
		r.sendTo(r.w.ka, signed(destinations()[3], p))
		time.Sleep(time.Second)
		select {
		case err := <-done:
			t.Fatalf("ended by a forged RESET: %v", err)
		default:
		}
		r.sendTo(r.w.ka, signed(r.keys, p))
		if err := <-done; !errors.Is(err, streaming.ErrRefused) {
			t.Errorf("%v", err)
		}
	})
}
