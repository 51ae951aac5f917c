package garlic_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2p"
)

func FuzzParseDeliveryInstructions(f *testing.F) {
	f.Add(garlic.Local().Append(nil))
	f.Add(garlic.ToDestination(i2p.Hash{1}).Append(nil))
	f.Add(append(garlic.ToTunnel(i2p.Hash{2}, 3).Append(nil), 9))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, rest, err := garlic.ParseDeliveryInstructions(b)
		if err == nil && !bytes.Equal(append(d.Append(nil), rest...), b) {
			t.Error("not the identity")
		}
	})
}

func FuzzParseClove(f *testing.F) {
	m := message("x")
	garlic.PrependClove(m, garlic.ToRouter(i2p.Hash{7}))
	f.Add(bytes.Clone(m.Bytes()[3:]))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := garlic.ParseClove(b)
		if err == nil && !bytes.Equal(append(c.Delivery.Append(nil), c.Message...), b) {
			t.Error("not the identity")
		}
	})
}

func FuzzOpen(f *testing.F) {
	a, b := newNode(f, "alice", garlic.Config{}), newNode(f, "bob", garlic.Config{})
	r := newNode(f, "router", garlic.Config{Router: true})
	f.Add(a.seal(b, "x", epoch))
	f.Add([]byte{})
	b.k.AddOneTime([8]byte{}, [32]byte{}, epoch.Add(time.Hour))
	f.Fuzz(func(t *testing.T, c []byte) {
		b.k.Open(bytes.Clone(c), epoch, func(garlic.Clove) {})
		r.k.Open(bytes.Clone(c), epoch, func(garlic.Clove) {})
	})
}

// FuzzKeepers plays a script on three keepers that talk to each other: seal, deliver any message of the past, forge,
// forget, bind, let time pass. Nothing panics, no text is delivered twice, and in the end all can talk.
func FuzzKeepers(f *testing.F) {
	f.Add([]byte{0, 1, 16, 0, 8, 0, 16, 1, 0, 4, 16, 2, 40, 10, 24, 0, 1, 32, 3})
	f.Add(bytes.Repeat([]byte{1, 9, 17, 2, 25, 40, 3}, 20))
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) <= 100 {
			playKeepers(t, script)
		}
	})
}

// The same with random scripts: the fuzzer is slow, since it instruments the arithmetic of the handshakes.
func TestKeepersUnderRandomScripts(t *testing.T) {
	seeds := uint64(25)
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		rnd := rand.New(rand.NewPCG(seed, 1))
		script := make([]byte, 400)
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		playKeepers(t, script)
	}
}

func playKeepers(t *testing.T, script []byte) {
	cfg := garlic.Config{RatchetAfter: 8, MaxPeers: 2, MaxTags: 2000}
	nodes := []*node{newNode(t, "a", cfg), newNode(t, "b", cfg), newNode(t, "c", cfg)}
	now := epoch
	type sent struct {
		to int
		c  []byte
	}
	var wire []sent
	next := func() int {
		if len(script) == 0 {
			return 0
		}
		v := script[0]
		script = script[1:]
		return int(v)
	}
	text := 0
	for len(script) > 0 {
		op := next()
		from := nodes[op%3]
		i := (op + 1 + op/3%2) % 3
		to := nodes[i]
		switch op >> 3 & 7 {
		case 0, 1:
			m := message(fmt.Sprint(text))
			text++
			garlic.PrependClove(m, garlic.Local())
			if from.k.Seal(to.peer, m, now) == nil {
				wire = append(wire, sent{i, bytes.Clone(body(t, m.Bytes()))})
			}
			m.Release()
		case 2, 3:
			if len(wire) > 0 {
				w := wire[next()%len(wire)]
				nodes[w.to].open(w.c, now)
			}
		case 4:
			if len(wire) > 0 {
				w := wire[next()%len(wire)]
				forged := bytes.Clone(w.c)
				forged[next()%len(forged)] ^= byte(1 + next())
				n := len(nodes[w.to].got)
				nodes[w.to].open(forged, now)
				if len(nodes[w.to].got) != n && !bytes.Equal(forged, w.c) && !bytes.Equal(forged[32:], w.c[32:]) {
					t.Fatal("delivered a forged message")
				}
			}
		case 5:
			now = now.Add(time.Duration(next()) * time.Second)
		case 6:
			for _, p := range from.k.Due(now, nil) {
				e := buf.Get()
				if from.k.Seal(p, e, now) == nil {
					for j, n := range nodes {
						if n.peer.Key == p.Key {
							wire = append(wire, sent{j, bytes.Clone(body(t, e.Bytes()))})
						}
					}
				}
				e.Release()
			}
		case 7:
			if next()%4 == 0 {
				from.k.Forget(to.peer.Key)
			} else {
				from.k.Bind(to.peer.Key, to.peer.Hash)
			}
		}
		for _, n := range nodes {
			if s := n.k.Stats(); s.Peers > 2 || s.Tags > 2000 {
				t.Fatalf("%+v", s)
			}
		}
	}
	for _, n := range nodes {
		seen := map[string]bool{}
		for _, g := range n.got {
			if seen[g] {
				t.Fatalf("%s got %q twice", n.name, g)
			}
			seen[g] = true
		}
	}
	now = now.Add(20 * time.Minute) // long enough for all filters and limits
	for i, n := range nodes {
		for _, other := range nodes[i+1:] {
			n.k.Due(now, nil)
			other.k.Due(now, nil)
			establish(n, other, now)
		}
	}
}
