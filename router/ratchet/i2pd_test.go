package ratchet_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/crypto/elligator2"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/ratchet"
)

type step []string

// transcript reads testdata/i2pd-session.txt, whose head explains it.
func transcript(t testing.TB) (steps []step) {
	t.Helper()
	f, err := os.Open("testdata/i2pd-session.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if line := sc.Text(); line != "" && line[0] != '#' {
			steps = append(steps, strings.Fields(line))
		}
	}
	return steps
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A replica is one side of the transcript played by us, with the keys that i2pd drew.
type replica struct {
	side
	static    [32]byte
	session   *ratchet.Session
	ephemeral [32]byte // of the next handshake message
	onWire    []byte   // its representative
	fresh     []keys.X25519Private
}

func newReplica(t testing.TB, static []byte) *replica {
	r := &replica{static: [32]byte(static)}
	r.side = side{t, ratchet.NewIdentity(keys.NewX25519(r.static), ratchet.Options{Entropy: ratchet.Entropy{
		Elligator: func() (private, public, representative [32]byte) {
			public = keys.NewX25519(r.ephemeral).Public()
			if elligator2.Decode([32]byte(r.onWire)) != public {
				t.Fatal("the representative on the wire is not that of the key")
			}
			return r.ephemeral, public, [32]byte(r.onWire)
		},
		X25519: func() (keys.X25519Private, error) {
			if len(r.fresh) == 0 {
				return keys.X25519Private{}, fmt.Errorf("no key expected here")
			}
			k := r.fresh[0]
			r.fresh = r.fresh[1:]
			return k, nil
		},
	}}), ratchet.NewIndex(1 << 12), ratchet.NewFilter()}
	return r
}

// controls are the NextKey and Ack blocks of a payload, in order.
func controls(t testing.TB, payload []byte) (list []string) {
	t.Helper()
	for len(payload) > 0 {
		blk, rest, err := ratchet.ParseBlock(payload)
		if err != nil {
			t.Fatal(err)
		}
		if payload = rest; blk.Type == ratchet.BlockNextKey || blk.Type == ratchet.BlockAck {
			list = append(list, hex.EncodeToString(blk.Append(nil)))
		}
	}
	return list
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !strings.Contains(strings.Join(b, " "), x) {
			return false
		}
	}
	return true
}

// We play both sides: what i2pd sealed we open, and from the same plaintext and keys we seal the same bytes, with the
// same control blocks, through five turns of the DH ratchet in both directions.
func TestConversationOfI2pd(t *testing.T) {
	steps := transcript(t)
	made, _ := strconv.ParseInt(steps[len(steps)-1][1], 10, 64)
	now := time.Unix(made, 0)
	sides := map[string]*replica{}
	other := map[string]string{"a": "b", "b": "a"}
	messages := 0
	for i, s := range steps {
		now = now.Add(time.Second)
		check := func(blocks []byte, number string) {
			t.Helper()
			got := texts(t, blocks)
			if len(got) != 1 || got[0][0] != 0 || got[0][1] != 20 || got[0][10:] != "message "+number {
				t.Fatalf("step %d: cloves %q", i, got)
			}
			messages++
		}
		switch s[0] {
		case "static":
			sides[s[1]] = newReplica(t, unhex(t, s[2]))
		case "ns", "unbound":
			alice, bob, wire := sides["a"], sides["b"], unhex(t, s[2])
			alice.ephemeral, alice.onWire = [32]byte(unhex(t, s[3])), wire[:32]
			session, blocks, err := ratchet.Accept(bob.id, bob.index, bob.seen, bytes.Clone(wire), now)
			if err != nil {
				t.Fatal(err)
			}
			mine := frame(ratchet.NewSessionHead, blocks)
			if s[0] == "unbound" {
				if session != nil || texts(t, blocks)[0][10:] != "unbound" {
					t.Fatalf("unbound message: %v %q", session, blocks)
				}
				err = ratchet.SealUnbound(alice.id, bob.id.Public(), mine)
			} else {
				check(blocks, s[4])
				bob.session = session
				alice.session, err = ratchet.Offer(alice.id, bob.remote(), alice.index, mine, now)
			}
			if err != nil || !bytes.Equal(mine, wire) {
				t.Fatalf("our %s differs (%v)\nours   %x\ntheirs %x", s[0], err, mine, wire)
			}
		case "nsr", "nsr2":
			alice, bob, wire := sides["a"], sides["b"], unhex(t, s[2])
			set, n, ok := alice.index.Find(ratchet.Tag(wire[:8]))
			if !ok {
				t.Fatal("no tag for the reply")
			}
			blocks, kind, err := alice.session.Open(set, n, bytes.Clone(wire), now)
			if err != nil || kind != ratchet.NewSessionReply {
				t.Fatal(kind, err)
			}
			check(blocks, s[4])
			if s[0] == "nsr2" {
				break
			}
			bob.ephemeral, bob.onWire = [32]byte(unhex(t, s[3])), wire[8:40]
			mine := frame(ratchet.ReplyHead, blocks)
			if err := bob.session.SealReply(mine, 0, now); err != nil || !bytes.Equal(mine, wire) {
				t.Fatalf("our reply differs (%v)\nours   %x\ntheirs %x", err, mine, wire)
			}
		case "es":
			from, to, wire := sides[s[1]], sides[other[s[1]]], unhex(t, s[2])
			for j := i + 1; j < len(steps) && steps[j][0] != "es"; j++ { // the key that the reader will draw
				if steps[j][0] == "reverse" && steps[j][2] != "-" {
					to.fresh = append(to.fresh, keys.NewX25519([32]byte(unhex(t, steps[j][2]))))
				}
			}
			set, n, ok := to.index.Find(ratchet.Tag(wire[:8]))
			if !ok {
				t.Fatalf("step %d: no tag", i)
			}
			blocks, _, err := to.session.Open(set, n, bytes.Clone(wire), now)
			if err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
			check(blocks, s[3])
			if got, want := controls(t, from.session.Control(nil, 200, 0, now)), controls(t, blocks); !sameSet(got, want) {
				t.Fatalf("step %d: control blocks\nours   %v\ntheirs %v", i, got, want)
			}
			mine := frame(ratchet.ExistingHead, blocks)
			if err := from.session.SealExisting(mine, now); err != nil || !bytes.Equal(mine, wire) {
				t.Fatalf("step %d: our message differs (%v)", i, err)
			}
			if len(to.fresh)+len(from.fresh) > 0 {
				t.Fatalf("step %d: a fresh key was not used", i)
			}
		case "next":
			r := sides[s[1]]
			if s[2] != "-" {
				r.fresh = append(r.fresh, keys.NewX25519([32]byte(unhex(t, s[2]))))
			}
			ratchet.Turn(r.session, now)
		}
	}
	if a, b := ratchet.SendTagSet(sides["a"].session), ratchet.SendTagSet(sides["b"].session); messages != 49 || a != 5 || b != 5 {
		t.Errorf("%d messages, tag sets %d and %d", messages, a, b)
	}
}
