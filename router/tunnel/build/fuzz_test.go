package build

import (
	"bytes"
	"testing"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

func seeds(f *testing.F, long bool) {
	for _, c := range loadModel(f).Cases {
		if c.Long == long {
			for _, m := range c.Messages {
				f.Add([]byte(m))
			}
		}
	}
	f.Add([]byte{})
	f.Add([]byte{8})
	f.Add(make([]byte, 1+8*528))
}

// fuzzOpen opens with the keys of every hop of the model, so that mutations get past the prefix.
func fuzzOpen(f *testing.F, long bool) {
	seeds(f, long)
	var own []router
	for _, c := range loadModel(f).Cases {
		for _, h := range c.Hops {
			own = append(own, router{i2p.Hash(h.Hash), keys.NewX25519([32]byte(h.Priv))})
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := bytes.Clone(payload)
		for _, r := range own {
			q, err := openForm(long, payload, r.hash, r.private)
			if !bytes.Equal(payload, before) {
				t.Fatal("payload changed")
			}
			if err != nil {
				if q != nil {
					t.Fatal("request and error")
				}
				continue
			}
			if err := q.Reply(bytes.Clone(payload), Agreed, 1); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzOpenShort(f *testing.F) { fuzzOpen(f, false) }

func FuzzOpenLong(f *testing.F) { fuzzOpen(f, true) }

// FuzzClearRequest puts any clear text into a record that opens.
func FuzzClearRequest(f *testing.F) {
	f.Add(make([]byte, 154), false)
	f.Add(bytes.Repeat([]byte{0xff}, 464), true)
	own := testRouter()
	f.Fuzz(func(t *testing.T, text []byte, long bool) {
		form := shortForm
		if long {
			form = longForm
		}
		payload := craft(t, form, own, func(c []byte) { copy(c, text) })
		q, err := openForm(long, payload, own.hash, own.private)
		if err != nil {
			return
		}
		if q.ReceiveTunnel == 0 || q.NextTunnel == 0 || q.Role > OutboundEndpoint {
			t.Fatalf("%+v", q)
		}
		if err := q.Reply(payload, Agreed, 1); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzReply(f *testing.F) {
	m := loadModel(f)
	for _, c := range m.Cases {
		for _, p := range c.Messages {
			f.Add([]byte(p))
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for i := range m.Cases {
			p := m.Cases[i].creator()
			verdicts, err := p.Reply(bytes.Clone(payload))
			if err != nil && verdicts != nil {
				t.Fatal("verdicts and error")
			}
			if err == nil && len(verdicts) != len(m.Cases[i].Hops) {
				t.Fatalf("%d verdicts", len(verdicts))
			}
		}
	})
}

// FuzzReplyText is a reply that authenticates with any text in it.
func FuzzReplyText(f *testing.F) {
	f.Add([]byte("\x00\x07\x01b=\x03123;"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 {
			return
		}
		available(text)
	})
}
