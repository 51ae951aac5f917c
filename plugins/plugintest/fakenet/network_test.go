package fakenet_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/plugintest/fakenet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, n *fakenet.Network, spec gate.Spec) gate.Destination {
	t.Helper()
	d, err := n.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestAddressesAreRealOnes(t *testing.T) {
	n := fakenet.New()
	a := open(t, n, gate.Spec{KeyFile: "a.keys"}).Address()
	b, err := base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~").DecodeString(a.Base64)
	if err != nil || len(b) != 391 {
		t.Fatalf("destination of %d bytes, %v", len(b), err)
	}
	hash := sha256.Sum256(b)
	if want := strings.ToLower(strings.TrimRight(base32.StdEncoding.EncodeToString(hash[:]), "=")) + ".b32.i2p"; a.Base32 != want {
		t.Fatalf("%s, want %s", a.Base32, want)
	}
	if again := open(t, fakenet.New(), gate.Spec{KeyFile: "a.keys"}).Address(); again != a {
		t.Fatal("the same keys are another address")
	}
	if one, other := open(t, n, gate.Spec{}).Address(), open(t, n, gate.Spec{}).Address(); one == other {
		t.Fatal("transient addresses are the same")
	}
}

func TestStreamsKeepHalfClose(t *testing.T) {
	n := fakenet.New()
	d := open(t, n, gate.Spec{Tunnel: "web", KeyFile: "web"})
	l, err := d.Listen(80)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Listen(80); !errors.Is(err, api.ErrInUse) {
		t.Fatalf("twice: %v", err)
	}
	for _, to := range []string{"web", d.Address().Base32, strings.ToUpper(d.Address().Base32), d.Address().Base64} {
		c, err := n.Dial(t.Context(), "visitor.i2p", to, 80)
		if err != nil {
			t.Fatalf("%.20s: %v", to, err)
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if c.RemoteAddr().String() != d.Address().Base32+":80" || far.LocalAddr().String() != ":80" {
			t.Fatalf("%v, %v", c.RemoteAddr(), far.LocalAddr())
		}
		visitor := n.Address("visitor.i2p")
		if far.RemoteAddr().String() != visitor.Base32+":0" || far.(interface{ PeerBase64() string }).PeerBase64() != visitor.Base64 {
			t.Fatalf("peer %v", far.RemoteAddr())
		}
		_, _ = io.WriteString(c, "question")
		_ = c.(interface{ CloseWrite() error }).CloseWrite()
		if b, err := io.ReadAll(far); err != nil || string(b) != "question" {
			t.Fatalf("%q, %v", b, err)
		}
		if s := d.Status(); s.Streams != 1 {
			t.Fatalf("%d streams", s.Streams)
		}
		_, _ = io.WriteString(far, "answer")
		_ = far.Close()
		if b, err := io.ReadAll(c); err != nil || string(b) != "answer" {
			t.Fatalf("%q, %v", b, err)
		}
		_ = c.Close()
	}
	if s := d.Status(); s.Streams != 0 {
		t.Fatalf("%d streams are left", s.Streams)
	}
}

func TestErrorsTellWhoIsThere(t *testing.T) {
	n := fakenet.New()
	d := open(t, n, gate.Spec{KeyFile: "me"})
	n.Offline("asleep.i2p")
	gone := open(t, n, gate.Spec{KeyFile: "gone"})
	_ = gone.Close()
	l, err := n.Listen("there.i2p", 7)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for address, want := range map[string]error{
		"nobody.i2p:1":                       api.ErrUnknownHost,
		"asleep.i2p:1":                       api.ErrOffline,
		gone.Address().Base32 + ":1":         api.ErrOffline,
		"there.i2p:8":                        api.ErrRefused,
		"there.i2p":                          api.ErrInvalid,
		"there.i2p:99999":                    api.ErrInvalid,
		"there.i2p:7":                        nil,
		n.Address("there.i2p").Base32 + ":7": nil,
	} {
		c, err := d.Dial(t.Context(), address)
		if !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
		if c != nil {
			_ = c.Close()
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Dial(ended, "there.i2p:7"); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	if _, err := n.Lookup(t.Context(), "nobody.i2p"); !errors.Is(err, api.ErrUnknownHost) {
		t.Errorf("lookup: %v", err)
	}
	if a, err := n.Lookup(t.Context(), "asleep.i2p"); err != nil || a.Base64 == "" {
		t.Errorf("lookup: %v, %v", a, err)
	}
	if _, err := gone.Dial(t.Context(), "there.i2p:7"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestClosedListenersEnd(t *testing.T) {
	n := fakenet.New()
	d := open(t, n, gate.Spec{KeyFile: "me"})
	l, err := d.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := n.Dial(t.Context(), "visitor.i2p", d.Address().Base32, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	_ = d.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("accept: %v", err)
	}
	if b, err := io.ReadAll(waiting); err != nil || len(b) > 0 {
		t.Fatalf("who waited got %q, %v", b, err)
	}
	if _, err := d.Listen(1); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("listen: %v", err)
	}
}

func TestDatagramsByKindAndPort(t *testing.T) {
	n := fakenet.New()
	d := open(t, n, gate.Spec{KeyFile: "me"})
	all, err := d.ListenPacket(pb.PacketKind_REPLIABLE, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := d.ListenPacket(pb.PacketKind_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.ListenPacket(pb.PacketKind_RAW, 0); !errors.Is(err, api.ErrInUse) {
		t.Fatalf("twice: %v", err)
	}
	peer, err := n.ListenPacket("peer.i2p", pb.PacketKind_REPLIABLE, 7)
	if err != nil {
		t.Fatal(err)
	}
	rawPeer, err := n.ListenPacket("peer.i2p", pb.PacketKind_RAW, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	defer rawPeer.Close()
	to := d.Address().Base32 + ":9"
	b := make([]byte, 100)
	if err := peer.WriteTo(t.Context(), []byte("hello"), to); err != nil {
		t.Fatal(err)
	}
	if got, from, err := all.ReadFrom(b); err != nil || string(b[:got]) != "hello" || from != n.Address("peer.i2p").Base32+":7" {
		t.Fatalf("%q from %s, %v", b[:got], from, err)
	}
	if err := rawPeer.WriteTo(t.Context(), []byte("raw"), to); err != nil {
		t.Fatal(err)
	}
	if got, from, err := raw.ReadFrom(b); err != nil || string(b[:got]) != "raw" || from != ":7" {
		t.Fatalf("%q from %q, %v", b[:got], from, err)
	}
	if err := peer.WriteTo(t.Context(), bytes.Repeat([]byte("x"), peer.MaxPayload()+1), to); !errors.Is(err, api.ErrLimit) {
		t.Fatalf("too large: %v", err)
	}
	if err := peer.WriteTo(t.Context(), nil, "nobody.i2p:1"); !errors.Is(err, api.ErrUnknownHost) {
		t.Fatalf("nobody: %v", err)
	}
	for range 1000 { // what does not fit is lost, and blocks nobody
		if err := peer.WriteTo(t.Context(), []byte("flood"), to); err != nil {
			t.Fatal(err)
		}
	}
	_ = all.Close()
	if err := all.WriteTo(t.Context(), nil, "peer.i2p:7"); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("closed: %v", err)
	}
	if err := peer.WriteTo(t.Context(), []byte("x"), to); err != nil {
		t.Fatalf("a packet to nobody: %v", err)
	}
}
