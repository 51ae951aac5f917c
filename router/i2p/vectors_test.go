package i2p_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

const (
	floodfillHash = "PF9acKWGms94KH3thA-vfDzs0ZxVAjkbrYh9iN7xsq8="
	clientHash    = "iIcSNjqKWKG-bAyKRuirGD-F7~iNG9cyL9Leur900QY="
	eepsiteName   = "6sysix2pp7lyihdomvrs52nojvebjkniiyoqpqbvsqn3w2mlouga.b32.i2p"
)

var sigTypes = map[string]keys.SigType{
	"dsa": keys.SigDSASHA1, "p256": keys.SigECDSAP256, "p384": keys.SigECDSAP384, "p521": keys.SigECDSAP521,
	"ed25519": keys.SigEd25519, "red25519": keys.SigRed25519,
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRouterInfoOfI2pd(t *testing.T) {
	ri, rest, err := i2p.ParseRouterInfo(append(testdata(t, "router_info_floodfill.dat"), "tail"...))
	if err != nil {
		t.Fatal(err)
	}
	if string(rest) != "tail" {
		t.Errorf("rest %q", rest)
	}
	if err := ri.Verify(); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(ri.Bytes(), testdata(t, "router_info_floodfill.dat")) {
		t.Error("Bytes is not what was parsed")
	}
	if got := ri.Hash().String(); got != floodfillHash {
		t.Errorf("hash %s", got)
	}
	if ri.Version() != 957 || ri.NetworkID() != 77 || ri.Caps() != "Xf" || !ri.IsFloodfill() {
		t.Errorf("version %d, network %d, caps %q, floodfill %v", ri.Version(), ri.NetworkID(), ri.Caps(), ri.IsFloodfill())
	}
	if y := ri.Published().Year(); y != 2026 {
		t.Errorf("published %v", ri.Published())
	}
	if _, ok := ri.EncryptionKey(); !ok {
		t.Error("no X25519 key")
	}
	styles := map[string]i2p.RouterAddress{}
	for _, a := range ri.Addresses() {
		styles[a.Style] = a
		if a.AddrPort().String() != "198.18.12.1:9202" || !a.IsV4() || a.IsV6() {
			t.Errorf("%s: %v v4 %v v6 %v", a.Style, a.AddrPort(), a.IsV4(), a.IsV6())
		}
		if _, ok := a.StaticKey(); !ok {
			t.Errorf("%s: no static key", a.Style)
		}
	}
	if _, ok := styles["NTCP2"].IV(); !ok {
		t.Error("no IV in the NTCP2 address")
	}
	if _, ok := styles["SSU2"].IntroKey(); !ok || styles["SSU2"].Caps() != "BC" {
		t.Errorf("SSU2 address: %v", styles["SSU2"])
	}
}

func TestRouterInfoWithAFlippedBitDoesNotVerify(t *testing.T) {
	for _, i := range []int{40, 391, 500, 800} { // identity, date, address, signature
		b := testdata(t, "router_info_client.dat")
		b[i] ^= 1
		ri, _, err := i2p.ParseRouterInfo(b)
		if err == nil && ri.Verify() == nil {
			t.Errorf("byte %d changed and it verifies", i)
		}
	}
	ri, _, err := i2p.ParseRouterInfo(testdata(t, "router_info_client.dat"))
	if err != nil || ri.Verify() != nil || ri.Hash().String() != clientHash {
		t.Errorf("unchanged: %v, %v", err, ri)
	}
}

func TestRouterKeysOfI2pd(t *testing.T) {
	b := testdata(t, "router_keys.dat")
	k, rest, err := i2p.ParseRouterKeys(b)
	if err != nil || len(rest) != 0 {
		t.Fatal(err, len(rest))
	}
	if k.Identity.Hash().String() != floodfillHash {
		t.Errorf("hash %v", k.Identity.Hash())
	}
	if !bytes.Equal(k.Append(nil), b) {
		t.Error("Append is not what was parsed")
	}
	// With the real keys, the RouterInfo that we would make of its parts is the one that i2pd made: Ed25519 signatures
	// are deterministic and i2pd sorts as the specification says.
	theirs, _, err := i2p.ParseRouterInfo(testdata(t, "router_info_floodfill.dat"))
	if err != nil {
		t.Fatal(err)
	}
	opts := map[string]string{}
	for key, value := range theirs.Options().All() {
		opts[key] = value
	}
	ours, err := i2p.NewRouterInfo(k, theirs.Published(), theirs.Addresses(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours.Bytes(), theirs.Bytes()) {
		t.Error("the RouterInfo differs from that of i2pd")
	}
}

func TestDestinationsOfI2pd(t *testing.T) {
	for name, sig := range sigTypes {
		s := string(testdata(t, "destination_"+name+".txt"))
		d, err := i2p.ParseDestinationBase64(s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d.SigningKey().Type != sig || len(d.SigningKey().Key) != sig.PublicKeyLen() {
			t.Errorf("%s: signing key %v, %d bytes", name, d.SigningKey().Type, len(d.SigningKey().Key))
		}
		if d.Base64() != s {
			t.Errorf("%s: Base64 differs", name)
		}
		if d, err = i2p.ParseDestinationBase64(strings.TrimRight(s, "=")); err != nil || d.Base64() != s {
			t.Errorf("%s without padding: %v", name, err)
		}
	}
}

func TestDestinationKeysOfI2pd(t *testing.T) {
	red, err := i2p.DecodeBase64(string(testdata(t, "destination_keys_red25519.txt")))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		b    []byte
		sig  keys.SigType
		name string
	}{{testdata(t, "destination_keys.dat"), keys.SigEd25519, eepsiteName}, {red, keys.SigRed25519, ""}} {
		k, rest, err := i2p.ParseDestinationKeys(c.b)
		if err != nil || len(rest) != 0 {
			t.Fatal(err, len(rest))
		}
		if k.Destination.SigningKey().Type != c.sig || c.name != "" && k.Destination.Base32() != c.name {
			t.Errorf("%v, %s", k.Destination.SigningKey().Type, k.Destination.Base32())
		}
		if c.name != "" && !bytes.Equal(k.Append(nil), c.b) {
			t.Error("Append is not what was parsed")
		}
		if !k.Destination.Verify([]byte("message"), k.Signing.Sign([]byte("message"))) {
			t.Error("signature of the private key does not verify")
		}
	}
}

func TestLeaseSet2OfI2pd(t *testing.T) {
	for name, sig := range sigTypes {
		b := testdata(t, "lease_set2_"+name+".dat")
		ls, err := i2p.ParseLeaseSetOfType(i2p.StoreTypeLeaseSet2, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := ls.Verify(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ls.Destination().SigningKey().Type != sig || ls.Hash() != ls.Destination().Hash() {
			t.Errorf("%s: signing type %v", name, ls.Destination().SigningKey().Type)
		}
		if ls.Expires().Sub(ls.Published()) != 600*time.Second {
			t.Errorf("%s: published %v, expires %v", name, ls.Published(), ls.Expires())
		}
		for _, e := range []keys.EncType{keys.EncX25519, keys.EncElGamal} {
			if k, ok := ls.EncryptionKey(e); !ok || len(k) != e.PublicKeyLen() {
				t.Errorf("%s: no key of type %v", name, e)
			}
		}
		if _, ok := ls.EncryptionKey(keys.EncMLKEM768); ok {
			t.Errorf("%s: a key that is not there", name)
		}
		for _, l := range ls.Leases() {
			if l.End.Before(ls.Published()) || l.End.After(ls.Expires()) || l.Tunnel == 0 || l.Gateway.IsZero() {
				t.Errorf("%s: lease %v", name, l)
			}
		}
		if len(ls.Leases()) < 4 || !bytes.Equal(ls.Bytes(), b) {
			t.Errorf("%s: %d leases", name, len(ls.Leases()))
		}
		for _, i := range []int{380, 395, len(b) - 100, len(b) - 10} {
			bad := bytes.Clone(b)
			bad[i] ^= 4
			if ls, err := i2p.ParseLeaseSetOfType(i2p.StoreTypeLeaseSet2, bad); err == nil && ls.Verify() == nil {
				t.Errorf("%s: byte %d changed and it verifies", name, i)
			}
		}
	}
}

func TestLeaseSet1OfI2pd(t *testing.T) {
	for _, name := range []string{"dsa", "ed25519"} {
		b := testdata(t, "lease_set1_"+name+".dat")
		ls, err := i2p.ParseLeaseSetOfType(i2p.StoreTypeLeaseSet, b)
		if err != nil {
			t.Fatal(err)
		}
		if err := ls.Verify(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if k, ok := ls.EncryptionKey(keys.EncElGamal); !ok || len(k) != 256 {
			t.Errorf("%s: no ElGamal key", name)
		}
		if len(ls.Leases()) != 5 || ls.Expires().Year() != 2026 || !ls.Published().Before(ls.Expires()) {
			t.Errorf("%s: %d leases, expires %v", name, len(ls.Leases()), ls.Expires())
		}
	}
}
