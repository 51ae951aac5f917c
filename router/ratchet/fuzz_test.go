package ratchet_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/ratchet"
)

func FuzzParseBlock(f *testing.F) {
	f.Add(ratchet.AppendDateTime(nil, epoch))
	f.Add(clove("x"))
	f.Add([]byte{254, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		blk, rest, err := ratchet.ParseBlock(b)
		if err == nil && !bytes.Equal(append(blk.Append(nil), rest...), b) {
			t.Error("not the identity")
		}
	})
}

func FuzzParseNextKey(f *testing.F) {
	f.Add([]byte{4, 0, 1})
	f.Add(ratchet.NextKey{Present: true, Request: true, Key: keys.X25519Public{9}}.Append(nil)[ratchet.BlockHeader:])
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ratchet.ParseNextKey(b)
		if err != nil {
			return
		}
		b = bytes.Clone(b)
		b[0] &= 7 // the other flags are ignored
		if !bytes.Equal(k.Append(nil)[ratchet.BlockHeader:], b) {
			t.Error("not the identity")
		}
	})
}

func FuzzCheckPayload(f *testing.F) {
	f.Add(uint8(1), append(ratchet.AppendDateTime(nil, epoch), clove("x")...))
	f.Add(uint8(3), append(ratchet.AppendAckRequest(nil), ratchet.AppendPadding(nil, 2)...))
	f.Fuzz(func(t *testing.T, kind uint8, p []byte) {
		if ratchet.CheckPayload(ratchet.Kind(kind), p, epoch) != nil {
			return
		}
		for len(p) > 0 { // what it accepts parses
			_, rest, err := ratchet.ParseBlock(p)
			if err != nil {
				t.Fatal(err)
			}
			p = rest
		}
	})
}

func FuzzAccept(f *testing.F) {
	a, b := newSide(f, ratchet.Options{}), newSide(f, ratchet.Options{})
	_, ns := a.offer(b, "x", epoch)
	f.Add(ns)
	f.Add(make([]byte, 103))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if _, _, err := ratchet.Accept(b.id, b.index, ratchet.NewFilter(), bytes.Clone(msg), epoch); err == nil && !bytes.Equal(msg, ns) {
			high := bytes.Clone(msg)
			high[31] = high[31]&0x3f | ns[31]&0xc0
			if !bytes.Equal(high, ns) {
				t.Error("accepted a forged New Session")
			}
		}
	})
}

// FuzzSession plays a script on an established pair: both sides send, turn their ratchets, lose and reorder messages,
// and put blocks of the fuzzer's choice into authentic payloads. Nothing panics, and what is delivered was sent.
func FuzzSession(f *testing.F) {
	f.Add([]byte{0, 1, 8, 9, 2, 0, 8, 3, 1, 9, 4, 50, 0, 8, 1, 9})
	f.Add([]byte{6, 38, 7, 0, 35, 5, 0, 0, 9, 8, 9, 7, 3, 7, 0, 3, 2, 0, 0, 8, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) <= 400 {
			playSession(t, script)
		}
	})
}

func TestSessionUnderRandomScripts(t *testing.T) {
	seeds := uint64(100)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		rnd := rand.New(rand.NewPCG(seed, 1))
		script := make([]byte, 1000)
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		playSession(t, script)
	}
}

func playSession(t *testing.T, script []byte) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, sb := pair(t, a, b, epoch)
	now := epoch
	sides, sessions := [2]*side{a, b}, [2]*ratchet.Session{sa, sb}
	var wire [2][][]byte // on their way to that side
	for len(script) > 0 {
		op, who := script[0]>>1, int(script[0]&1)
		script = script[1:]
		s := sessions[who]
		switch op % 6 {
		case 0:
			if s.Established() && s.CanSend(now) {
				wire[1-who] = append(wire[1-who], existing(t, s, "x", now))
			}
		case 1:
			if s.Established() {
				ratchet.Turn(s, now)
			}
		case 2:
			if len(script) > 0 {
				now = now.Add(time.Duration(script[0]) * 100 * time.Millisecond)
				script = script[1:]
			}
			s.Expire(now)
			sides[who].index.Sweep()
		case 3:
			if n := len(script); n > 0 && s.Established() && s.CanSend(now) {
				n = min(n-1, int(script[0]))
				msg := frame(ratchet.ExistingHead, script[1:1+n])
				script = script[1+n:]
				if s.SealExisting(msg, now) == nil {
					wire[1-who] = append(wire[1-who], msg)
				}
			}
		case 4, 5:
			if n := len(wire[who]); n > 0 {
				i := 0
				if op%6 == 5 {
					i = n - 1
				}
				msg := wire[who][i]
				wire[who] = append(wire[who][:i], wire[who][i+1:]...)
				if set, n, ok := sides[who].index.Find(ratchet.Tag(msg[:8])); ok {
					set.Session().Open(set, n, bytes.Clone(msg), now)
					if _, _, ok := sides[who].index.Find(ratchet.Tag(msg[:8])); ok {
						t.Fatal("a tag works twice")
					}
				}
			}
		}
		if n := sides[who].index.Len(); n > 4000 {
			t.Fatalf("%d tags", n)
		}
	}
}
