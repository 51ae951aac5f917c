package streaming_test

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/streaming"
	"clove.i2p/tests/simnet"
)

// raw is a peer made by hand: it sends what the test says and records what it gets.
type raw struct {
	t    *testing.T
	w    *world
	keys *i2p.DestinationKeys
	st   *simnet.Station
	got  chan streaming.Packet
}

// newRaw joins a third destination to the world, with the link of the others.
func newRaw(t *testing.T, w *world) *raw {
	k := destinations()[2]
	r := &raw{t: t, w: w, keys: k, st: w.net.Join(k.Destination.Hash(), wan), got: make(chan streaming.Packet, 10000)}
	r.st.Attach(r)
	return r
}

func (r *raw) DeliverBatch(_ streaming.Ports, bs []*buf.Buf) {
	for _, b := range bs {
		p, err := streaming.ParsePacket(append([]byte(nil), b.Bytes()...))
		if err != nil {
			r.t.Errorf("malformed: %v", err)
		}
		b.Release()
		r.got <- p
	}
}

// next returns the next packet that arrives within a second.
func (r *raw) next() streaming.Packet {
	r.t.Helper()
	select {
	case p := <-r.got:
		return p
	case <-time.After(time.Second):
		r.t.Fatal("no packet came")
		panic("unreachable")
	}
}

// wait returns the first packet for which ok is true, within a minute.
func (r *raw) wait(what string, ok func(streaming.Packet) bool) streaming.Packet {
	r.t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case p := <-r.got:
			if ok(p) {
				return p
			}
		case <-limit:
			r.t.Fatalf("no %s came", what)
		}
	}
}

// all returns what came until now and in the next d.
func (r *raw) all(d time.Duration) (out []streaming.Packet) {
	time.Sleep(d)
	for {
		select {
		case p := <-r.got:
			out = append(out, p)
		default:
			return out
		}
	}
}

// send sends a packet to b.
func (r *raw) send(p streaming.Packet) { r.sendTo(r.w.kb, p) }

func (r *raw) sendTo(to *i2p.DestinationKeys, p streaming.Packet) {
	r.st.Send(to.Destination.Hash(), streaming.Ports{To: 80}, buf.From(p.Append(nil)))
}

// signed is the packet with a signature by k; what the signature covers ends there.
func signed(k *i2p.DestinationKeys, p streaming.Packet) streaming.Packet {
	n := k.Signing.Type().SignatureLen()
	p.Flags |= streaming.FlagSignatureIncluded
	before := p.Tail
	p.Tail = append(append([]byte(nil), before...), make([]byte, n)...)
	copy(p.Tail[len(before):], k.Signing.Sign(p.Append(nil)))
	return p
}

// syn is what i2pd and Java I2P send to open a stream to b.
func (r *raw) syn(id streaming.StreamID) streaming.Packet {
	to := r.w.kb.Destination.Hash()
	return streaming.Packet{
		ReceiveStream: id, NACKs: to[:],
		Flags: streaming.FlagSynchronize | streaming.FlagFromIncluded | streaming.FlagMaxPacketSizeIncluded |
			streaming.FlagNoAck,
		From: r.keys.Destination, MaxPacketSize: streaming.MTURatchet,
	}
}

// open opens a stream to b by hand and returns its side, and the packet to fill in for more.
func (r *raw) open(l *streaming.Listener) (*streaming.Conn, streaming.Packet) {
	r.t.Helper()
	r.send(signed(r.keys, r.syn(77)))
	reply := r.next()
	if reply.Flags&streaming.FlagSynchronize == 0 {
		r.t.Fatalf("no SYN reply: %+v", reply)
	}
	c, err := l.AcceptStream()
	if err != nil {
		r.t.Fatal(err)
	}
	return c, streaming.Packet{SendStream: reply.ReceiveStream, ReceiveStream: 77}
}

// data is packet seq of the stream that acknowledges through.
func data(p streaming.Packet, seq, through uint32, payload string) streaming.Packet {
	p.Sequence, p.AckThrough, p.Payload = seq, through, []byte(payload)
	return p
}

func nacks(seqs ...uint32) (b []byte) {
	for _, s := range seqs {
		b = binary.BigEndian.AppendUint32(b, s)
	}
	return b
}

// withRaw runs f against a stack that listens.
func withRaw(t *testing.T, f func(t *testing.T, r *raw, l *streaming.Listener)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, wan)
		defer w.end()
		r := newRaw(t, w)
		l, err := w.b.Listen(80)
		if err != nil {
			t.Fatal(err)
		}
		f(t, r, l)
	})
}

func drops(w *world, d streaming.Drop) uint64 { return w.b.Stats().Drops[d] }
