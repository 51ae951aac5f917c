package garlic_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/ratchet"
)

// i2pd's messages to a router and under a key and tag; see router/ratchet/testdata/i2pd-session.txt.
func TestRouterAndOneTimeMessagesOfI2pd(t *testing.T) {
	f, err := os.Open("../ratchet/testdata/i2pd-session.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := map[string][]string{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if w := strings.Fields(sc.Text()); len(w) > 1 {
			lines[w[0]+" "+w[1]] = w
			lines[w[0]] = w
		}
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	seconds, _ := strconv.ParseInt(lines["time"][1], 10, 64)
	now := time.Unix(seconds, 0)
	var got []string
	deliver := func(c garlic.Clove) {
		if c.Delivery != garlic.Local() || c.Header.Type != i2np.TypeData {
			t.Errorf("clove %+v", c)
		}
		got = append(got, string(c.Body))
	}
	bob := keys.NewX25519([32]byte(unhex(lines["static b"][2])))
	k, err := garlic.New(garlic.Config{Router: true}, bob)
	if err != nil {
		t.Fatal(err)
	}
	wire := unhex(lines["router"][2])
	if err := garlic.OpenRouter(bob, bytes.Clone(wire), now, deliver); err != nil {
		t.Error(err)
	}
	if err := k.Open(bytes.Clone(wire), now, deliver); err != nil {
		t.Error(err)
	}
	if err := k.Open(bytes.Clone(wire), now, deliver); !errors.Is(err, ratchet.ErrReplay) {
		t.Errorf("replay: %v", err)
	}
	if err := garlic.OpenRouter(bob, bytes.Clone(wire), now.Add(6*time.Minute), deliver); !errors.Is(err, ratchet.ErrTime) {
		t.Errorf("old: %v", err)
	}
	wire, key := unhex(lines["onetime"][2]), [32]byte(unhex(lines["onetime"][3]))
	if err := garlic.OpenOneTime(key, bytes.Clone(wire), now, deliver); err != nil {
		t.Error(err)
	}
	k.AddOneTime([8]byte(wire), key, now.Add(time.Minute))
	forged := bytes.Clone(wire)
	forged[20] ^= 1
	if k.Open(forged, now, deliver) == nil {
		t.Error("forged message opened")
	}
	if err := k.Open(bytes.Clone(wire), now, deliver); err != nil {
		t.Error(err)
	}
	if k.Open(bytes.Clone(wire), now, deliver) == nil {
		t.Error("one-time message opened twice")
	}
	if strings.Join(got, ",") != "to router,to router,one time,one time" {
		t.Errorf("got %q", got)
	}
}

func TestRouterAndOneTimeRoundTrip(t *testing.T) {
	static, _ := keys.GenerateX25519()
	router, _ := garlic.New(garlic.Config{Router: true}, static)
	client := newNode(t, "client", garlic.Config{})
	key, tag := [32]byte{1, 2, 3}, [8]byte{4, 5, 6}
	client.k.AddOneTime(tag, key, epoch.Add(time.Minute))

	m := message("question")
	garlic.PrependClove(m, garlic.Local())
	garlic.AppendClove(m, garlic.ToTunnel(client.peer.Hash, 77), message("second").Bytes())
	if err := garlic.SealRouter(static.Public(), m, epoch); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := router.Open(body(t, m.Bytes()), epoch, func(c garlic.Clove) {
		if c.From.Kind != garlic.KindRouter || len(got) == 1 && c.Delivery != garlic.ToTunnel(client.peer.Hash, 77) {
			t.Errorf("clove %+v", c)
		}
		if !bytes.Equal(c.Message[i2np.ShortHeaderLen:], c.Body) {
			t.Error("body is not that of the message")
		}
		got = append(got, string(c.Body))
	})
	if err != nil || len(got) != 2 || got[0] != "question" || got[1] != "second" {
		t.Fatalf("%q %v", got, err)
	}

	m = message("answer")
	garlic.PrependClove(m, garlic.Local())
	if err := garlic.SealOneTime(key, tag, m, epoch); err != nil {
		t.Fatal(err)
	}
	sealed := bytes.Clone(body(t, m.Bytes()))
	if client.open(sealed, epoch.Add(2*time.Minute)) == nil {
		t.Error("opened after its time")
	}
	client.mustOpen(sealed, epoch)
	if client.got[0] != "answer" || client.from[0].Kind != garlic.KindOneTime {
		t.Errorf("%q %+v", client.got, client.from)
	}
}

func TestRouterKeeperHasNoSessions(t *testing.T) {
	static, _ := keys.GenerateX25519()
	router, _ := garlic.New(garlic.Config{Router: true}, static)
	b := buf.Get()
	defer b.Release()
	if err := router.Seal(garlic.Peer{}, b, epoch); !errors.Is(err, garlic.ErrRole) {
		t.Error(err)
	}
	a := newNode(t, "alice", garlic.Config{})
	ns := a.seal(&node{peer: garlic.Peer{Key: static.Public()}}, "x", epoch)
	if router.Open(ns, epoch, discard) == nil {
		t.Error("the router opened a New Session")
	}
}

func TestConfigIsChecked(t *testing.T) {
	static, _ := keys.GenerateX25519()
	for _, cfg := range []garlic.Config{{MaxPeers: -1}, {MaxTags: -1}, {NewSessionRate: -1}, {RatchetAfter: -1}, {RatchetAfter: 65000}} {
		if _, err := garlic.New(cfg, static); err == nil {
			t.Errorf("accepted %+v", cfg)
		}
	}
}
