package datagram_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
)

func FuzzDatagram1(f *testing.F) {
	seed(f, "datagram1")
	for name := range vectorTypes {
		b, err := os.ReadFile("testdata/i2pd_datagram1_" + name + ".dat")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := datagram.ParseDatagram1(b)
		if err != nil {
			return
		}
		d.Verify()
		if !bytes.Equal(d.Append(nil), b) {
			t.Fatal("Append is not what was parsed")
		}
	})
}

func FuzzDatagram2(f *testing.F) {
	seed(f, "datagram2")
	to := i2p.Hash(vectors(f)["to"])
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := bytes.Clone(b)
		d, err := datagram.ParseDatagram2(b)
		if err != nil {
			return
		}
		_ = d.Verify(to, time.Unix(1_000_000_000, 0))
		if !bytes.Equal(b, whole) {
			t.Fatal("Verify has changed the packet")
		}
		if !bytes.HasSuffix(b, append(bytes.Clone(d.Payload), d.Signature...)) || !bytes.HasPrefix(b, d.From.Bytes()) {
			t.Fatal("the parts are not where they were")
		}
	})
}

func FuzzDatagram3(f *testing.F) {
	seed(f, "datagram3")
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := datagram.ParseDatagram3(b)
		if err != nil {
			return
		}
		// An empty mapping is written as none.
		if d.Options.Len() > 0 || b[33] == 3 {
			if !bytes.Equal(d.Append(nil), b) {
				t.Fatal("Append is not what was parsed")
			}
		}
	})
}

func seed(f *testing.F, prefix string) {
	for name, b := range vectors(f) {
		if strings.HasPrefix(name, prefix) {
			f.Add(b)
		}
	}
}

// FuzzDeliver gives whatever comes, of whatever kind, to Conns of every kind: what a reader sees of Datagram1 and 2 is signed
// by the one honest sender.
func FuzzDeliver(f *testing.F) {
	keys := destinations()
	l := newLAN()
	s := l.join(f, keys[0])
	conns := map[datagram.Kind]*datagram.Conn{}
	for _, k := range allKinds {
		conns[k] = listen(f, s, datagram.ListenConfig{Kind: k})
	}
	f.Add(uint8(17), uint16(0), datagram.AppendDatagram1(nil, keys[1], []byte("one")))
	f.Add(uint8(19), uint16(9), datagram.AppendDatagram2(nil, keys[1], s.Hash(), i2p.Mapping{}, []byte("two")))
	f.Add(uint8(20), uint16(9), datagram.Datagram3{From: keys[1].Destination.Hash(), Payload: []byte("three")}.Append(nil))
	f.Add(uint8(18), uint16(9), []byte("raw"))
	f.Add(uint8(6), uint16(9), []byte("streaming"))
	p := make([]byte, 1<<16)
	f.Fuzz(func(t *testing.T, kind uint8, port uint16, b []byte) {
		if len(b) > buf.Large {
			return
		}
		s.Deliver(datagram.Kind(kind), datagram.Ports{From: port, To: port}, []*buf.Buf{buf.From(b)})
		c := conns[datagram.Kind(kind)]
		if c == nil {
			return
		}
		s.Deliver(datagram.Kind(kind), datagram.Ports{To: 1}, []*buf.Buf{buf.From(sentinel(c.Kind(), s.Hash()))})
		for {
			got, err := c.ReadPacket(p)
			if err != nil {
				t.Fatal(err)
			}
			if c.Kind().Proven() && (got.Sender == nil || got.Sender.Hash() != got.From.Hash) {
				t.Fatalf("sender %v, from %v", got.Sender, got.From)
			}
			if string(p[:got.N]) == "the end" {
				return
			}
		}
	})
}

// sentinel is the packet that ends what is read.
func sentinel(k datagram.Kind, to i2p.Hash) []byte {
	from, text := destinations()[2], []byte("the end")
	switch k {
	case datagram.KindDatagram1:
		return datagram.AppendDatagram1(nil, from, text)
	case datagram.KindDatagram2:
		return datagram.AppendDatagram2(nil, from, to, i2p.Mapping{}, text)
	case datagram.KindDatagram3:
		return datagram.Datagram3{From: from.Destination.Hash(), Payload: text}.Append(nil)
	}
	return text
}
