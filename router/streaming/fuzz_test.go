package streaming_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/streaming"
	"clove.i2p/tests/simnet"
)

func FuzzParsePacket(f *testing.F) {
	k := destinations()[2]
	hash := k.Destination.Hash()
	for _, p := range []streaming.Packet{
		{},
		{SendStream: 1, ReceiveStream: 2, Sequence: 3, AckThrough: 4, NACKs: nacks(1, 2), ResendDelay: 9, Payload: []byte("x")},
		{Flags: streaming.FlagDelayRequested, Delay: 60001},
		{Flags: streaming.FlagEcho, Payload: []byte("pong")},
		{Flags: streaming.FlagClose | streaming.FlagSignatureIncluded, Tail: make([]byte, 64)},
		{NACKs: hash[:], Flags: synFlags | streaming.FlagNoAck, From: k.Destination, MaxPacketSize: 1812, Tail: make([]byte, 64)},
		{Flags: synFlags | streaming.FlagOfflineSignature, From: k.Destination, MaxPacketSize: 1730, Tail: make([]byte, 166)},
		{Flags: 0xf000, Tail: []byte("of the future")},
	} {
		f.Add(p.Append(nil))
	}
	f.Add(bytes.Repeat([]byte{0xff}, 2000))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := streaming.ParsePacket(b)
		if err != nil {
			return
		}
		if again := p.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("parsed and written again:\n%x\n%x", b, again)
		}
	})
}

// FuzzStream plays a peer and an application that do what the input says, six bytes an action.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 8, 0, 0, 0, 0, 0})
	f.Add([]byte{9, 200, 0, 0, 0, 0, 1, 0, 0, 0, 0, 5, 1, 3, 0, 0, 0, 9, 12, 0, 0, 0, 0, 90})
	f.Add([]byte{0, 0, 0, 9, 0, 0, 2, 0, 0, 1, 0, 0, 3, 0, 0, 2, 0, 0, 4, 0, 0, 3, 0, 0, 10, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 90})
	f.Add([]byte{9, 250, 250, 0, 0, 0, 5, 0xea, 0x61, 0, 0, 2, 12, 0, 0, 0, 0, 90, 5, 0, 100, 0, 0, 4})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 6*200 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, simnet.Link{Delay: 10 * time.Millisecond})
			defer w.end()
			r := newRaw(t, w)
			r.st.SetLink(simnet.Link{Delay: 10 * time.Millisecond})
			l, _ := w.b.Listen(80)
			c, p := r.open(l)
			for ; len(script) >= 6; script = script[6:] {
				act(r, c, p, script[0], script[1:6])
				r.drain()
			}
			c.SetDeadline(time.Now().Add(time.Second))
			c.Write([]byte("end"))
			c.Close()
			time.Sleep(5 * time.Minute)
			r.drain()
			if n := w.b.Stats().Conns; n != 0 {
				t.Errorf("%d connections are left", n)
			}
		})
	})
}

func (r *raw) drain() {
	for len(r.got) > 0 {
		<-r.got
	}
}

// act does one action of a script.
func act(r *raw, c *streaming.Conn, p streaming.Packet, what byte, v []byte) {
	seq := uint32(binary.BigEndian.Uint16(v[1:]))
	through := uint32(v[4])
	if what&0x80 != 0 {
		seq |= 0xffff0000
	}
	q := data(p, seq, through, string(make([]byte, v[0])))
	switch what & 0x0f {
	case 0, 1:
		r.send(q)
	case 2:
		q.NACKs = nacks(uint32(v[3]), through, seq, uint32(v[0]))
		r.send(q)
	case 3:
		q.Flags = streaming.FlagClose
		r.send(signed(r.keys, q))
	case 4:
		q.Flags = streaming.Flags(v[3])<<8 | streaming.Flags(v[4])&^streaming.FlagFromIncluded
		q.Tail = make([]byte, v[0])
		r.send(q)
	case 5:
		q.Flags, q.Delay = streaming.FlagDelayRequested, binary.BigEndian.Uint16(v)
		q.Sequence = uint32(v[2])
		r.send(q)
	case 6:
		q = r.syn(streaming.StreamID(v[3]))
		q.Payload = make([]byte, v[0])
		r.send(signed(r.keys, q))
	case 7:
		q.SendStream = 0
		r.send(q)
	case 8:
		c.SetReadDeadline(time.Now().Add(time.Millisecond))
		c.Read(make([]byte, int(v[0])*int(v[1])))
	case 9, 10:
		c.SetWriteDeadline(time.Now().Add(time.Millisecond))
		c.Write(make([]byte, int(v[0])*int(v[1])))
	case 11:
		[]func() error{c.CloseRead, c.CloseWrite, c.Close}[v[0]%3]()
	case 12:
		time.Sleep(time.Duration(v[4]) * time.Second)
	case 13:
		time.Sleep(time.Duration(v[4]) * time.Millisecond)
	case 14:
		for i := range uint32(v[0]) {
			r.send(data(p, seq+i, through, "run"))
		}
	case 15:
		q.Flags = streaming.FlagReset
		if v[3] == 7 {
			r.send(signed(r.keys, q))
		}
	}
}
