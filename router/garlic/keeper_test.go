package garlic_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/ratchet"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A node is one destination under test.
type node struct {
	t    testing.TB
	name string
	k    *garlic.Keeper
	peer garlic.Peer // how others address it
	got  []string
	from []garlic.Origin
}

func newNode(t testing.TB, name string, cfg garlic.Config) *node {
	t.Helper()
	static, err := keys.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	k, err := garlic.New(cfg, static)
	if err != nil {
		t.Fatal(err)
	}
	return &node{t: t, name: name, k: k, peer: garlic.Peer{Hash: i2p.HashOf([]byte(name)), Key: static.Public()}}
}

func message(body string) *buf.Buf {
	b := buf.From([]byte(body))
	i2np.NewHeader(i2np.TypeData, epoch).PutShort(b.Prepend(i2np.ShortHeaderLen))
	return b
}

// body checks the frame of a sealed message and returns its ciphertext.
func body(t testing.TB, sealed []byte) []byte {
	t.Helper()
	h, payload, err := i2np.ParseShort(sealed)
	if err != nil || h.Type != i2np.TypeGarlic {
		t.Fatalf("sealed message: type %v, %v", h.Type, err)
	}
	g, err := i2np.ParseGarlic(payload)
	if err != nil {
		t.Fatal(err)
	}
	return g.Data
}

// seal returns the ciphertext of text for to.
func (n *node) seal(to *node, text string, now time.Time) []byte {
	n.t.Helper()
	b := message(text)
	defer b.Release()
	if err := garlic.PrependClove(b, garlic.ToDestination(to.peer.Hash)); err != nil {
		n.t.Fatal(err)
	}
	if err := n.k.Seal(to.peer, b, now); err != nil {
		n.t.Fatalf("%s: %v", n.name, err)
	}
	return bytes.Clone(body(n.t, b.Bytes()))
}

func (n *node) open(c []byte, now time.Time) error {
	return n.k.Open(bytes.Clone(c), now, func(c garlic.Clove) {
		n.got = append(n.got, string(c.Body))
		n.from = append(n.from, c.From)
	})
}

func (n *node) mustOpen(c []byte, now time.Time) {
	n.t.Helper()
	if err := n.open(c, now); err != nil {
		n.t.Fatalf("%s: %v", n.name, err)
	}
}

// say sends text and requires that it arrives in a message of the kind.
func (n *node) say(to *node, text string, kind garlic.Kind, now time.Time) {
	n.t.Helper()
	if k := n.k.Next(to.peer, now); k != kind {
		n.t.Fatalf("%s: next message is of kind %d, want %d", n.name, k, kind)
	}
	to.mustOpen(n.seal(to, text, now), now)
	if len(to.got) == 0 || to.got[len(to.got)-1] != text {
		n.t.Fatalf("%s got %q, want %q", to.name, to.got, text)
	}
	if f := to.from[len(to.from)-1]; f.Kind != kind || kind != garlic.KindUnbound && f.Static != n.peer.Key {
		n.t.Fatalf("%s: origin %+v", to.name, f)
	}
}

// flush seals the messages that Due asks for and opens them at other, which is the only peer.
func (n *node) flush(other *node, now time.Time) int {
	n.t.Helper()
	due := n.k.Due(now, nil)
	for _, p := range due {
		if p.Key != other.peer.Key {
			n.t.Fatalf("%s: due to an unknown peer", n.name)
		}
		b := buf.Get()
		if err := n.k.Seal(p, b, now); err != nil {
			n.t.Fatalf("%s: %v", n.name, err)
		}
		other.mustOpen(body(n.t, b.Bytes()), now)
		b.Release()
	}
	return len(due)
}

func establish(a, b *node, now time.Time) {
	a.t.Helper()
	a.say(b, "1", garlic.KindNewSession, now)
	b.k.Bind(a.peer.Key, a.peer.Hash)
	b.say(a, "2", garlic.KindNewSessionReply, now)
	a.say(b, "3", garlic.KindExistingSession, now)
	b.say(a, "4", garlic.KindExistingSession, now)
}

func TestSessionIsEstablishedByThreeMessages(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	establish(a, b, epoch)
	for i := range 100 {
		a.say(b, fmt.Sprint("a", i), garlic.KindExistingSession, epoch)
		b.say(a, fmt.Sprint("b", i), garlic.KindExistingSession, epoch)
	}
	if from := b.from[len(b.from)-1]; from.Hash != a.peer.Hash {
		t.Errorf("origin %+v", from)
	}
}

func TestUnboundMessageNamesNobody(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	m := message("raw")
	garlic.PrependClove(m, garlic.Local())
	if err := a.k.SealUnbound(b.peer, m, epoch); err != nil {
		t.Fatal(err)
	}
	b.mustOpen(body(t, m.Bytes()), epoch)
	if b.from[0].Kind != garlic.KindUnbound || b.from[0].Static != (keys.X25519Public{}) {
		t.Errorf("origin %+v", b.from[0])
	}
	if s := b.k.Stats(); s.Peers != 0 {
		t.Errorf("%d peers", s.Peers)
	}
}

func TestReplayedNewSessionIsRefused(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	c := a.seal(b, "once", epoch)
	b.mustOpen(c, epoch)
	for _, bits := range []byte{0, 0x40, 0x80, 0xc0} { // the bits of the key's encoding that mean nothing
		again := bytes.Clone(c)
		again[31] ^= bits
		if err := b.open(again, epoch.Add(4*time.Minute)); !errors.Is(err, ratchet.ErrReplay) {
			t.Errorf("replay with bits %#x: %v", bits, err)
		}
	}
	if err := b.open(c, epoch.Add(8*time.Minute)); !errors.Is(err, ratchet.ErrTime) && !errors.Is(err, ratchet.ErrReplay) {
		t.Errorf("replay after the filter forgot: %v", err)
	}
	if len(b.got) != 1 {
		t.Errorf("got %q", b.got)
	}
}

// The LeaseSet comes first; the owner binds it, and the next clove of the same message already has the hash.
func TestBindWithinAMessage(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	m := message("lease set")
	defer m.Release()
	garlic.PrependClove(m, garlic.Local())
	data := message("data")
	defer data.Release()
	garlic.AppendClove(m, garlic.ToDestination(b.peer.Hash), data.Bytes())
	if err := a.k.Seal(b.peer, m, epoch); err != nil {
		t.Fatal(err)
	}
	var hashes []i2p.Hash
	if err := b.k.Open(body(t, m.Bytes()), epoch, func(c garlic.Clove) {
		hashes = append(hashes, c.From.Hash)
		b.k.Bind(c.From.Static, a.peer.Hash)
	}); err != nil {
		t.Fatal(err)
	}
	if len(hashes) != 2 || !hashes[0].IsZero() || hashes[1] != a.peer.Hash {
		t.Errorf("hashes %v", hashes)
	}
	// What Seal names later does not override what was proven.
	b.seal(&node{peer: garlic.Peer{Hash: i2p.Hash{1}, Key: a.peer.Key}}, "x", epoch)
	b.k.Due(epoch, nil)
	a.say(b, "again", garlic.KindNewSession, epoch.Add(time.Second))
	if h := b.from[len(b.from)-1].Hash; h != a.peer.Hash {
		t.Errorf("hash %v", h)
	}
}
