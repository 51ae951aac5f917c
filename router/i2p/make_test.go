package i2p_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

var published = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

func TestNewRouterInfoParsesAndVerifies(t *testing.T) {
	k, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	static := k.Encryption.Public()
	static[31] &= 0x7f
	a, err := i2p.NewRouterAddress(3, "NTCP2", map[string]string{
		"host": "2001:db8::1", "port": "1234", "v": "2", "s": i2p.EncodeBase64(static[:]), "i": i2p.EncodeBase64(make([]byte, 16)),
	})
	if err != nil {
		t.Fatal(err)
	}
	made, err := i2p.NewRouterInfo(k, published, []i2p.RouterAddress{a}, map[string]string{"netId": "5", "router.version": "0.9.67", "caps": "LR"})
	if err != nil {
		t.Fatal(err)
	}
	ri, _, err := i2p.ParseRouterInfo(made.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := ri.Verify(); err != nil {
		t.Error(err)
	}
	if !ri.Published().Equal(published) || ri.Version() != 967 || ri.NetworkID() != 5 || ri.IsFloodfill() {
		t.Errorf("%v, %d, %d", ri.Published(), ri.Version(), ri.NetworkID())
	}
	if key, ok := ri.EncryptionKey(); !ok || key != k.Encryption.Public() {
		t.Error("encryption key differs")
	}
	got := ri.Addresses()[0]
	if got.Cost != 3 || got.AddrPort().String() != "[2001:db8::1]:1234" || !got.IsV6() {
		t.Errorf("address %v", got)
	}
}

func TestRouterInfoOverTheLimitIsRefused(t *testing.T) {
	k, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	opts := map[string]string{}
	for i := range 11 {
		opts[fmt.Sprint("key", i)] = strings.Repeat("x", 255)
	}
	if _, err = i2p.NewRouterInfo(k, published, nil, opts); !errors.Is(err, i2p.ErrTooLarge) {
		t.Errorf("made: %v", err)
	}
	// The same by hand: a signature of the right author does not help.
	m, err := i2p.NewMapping(opts)
	if err != nil {
		t.Fatal(err)
	}
	b := i2p.AppendDate(bytes.Clone(k.Identity.Bytes()), published)
	b = m.Append(append(b, 0, 0))
	b = append(b, k.Signing.Sign(b)...)
	if _, _, err = i2p.ParseRouterInfo(b); !errors.Is(err, i2p.ErrTooLarge) {
		t.Errorf("parsed: %v", err)
	}
}

func TestRouterInfoRefuses(t *testing.T) {
	k, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	head := i2p.AppendDate(bytes.Clone(k.Identity.Bytes()), published)
	address := append([]byte{9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'X'}, 0, 0)
	expiring := bytes.Clone(address)
	expiring[5] = 1
	for name, tail := range map[string][]byte{
		"peers":                      {0, 1, 0, 0},
		"address with an expiration": append(append([]byte{1}, expiring...), 0, 0, 0),
		"address without a style":    {1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		b := append(bytes.Clone(head), tail...)
		b = append(b, k.Signing.Sign(b)...)
		if _, _, err := i2p.ParseRouterInfo(b); !errors.Is(err, i2p.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := append(append(append(bytes.Clone(head), 1), address...), 0, 0, 0)
	good = append(good, k.Signing.Sign(good)...)
	for n := range good {
		if _, _, err := i2p.ParseRouterInfo(good[:n]); !errors.Is(err, i2p.ErrTruncated) {
			t.Fatalf("%d of %d bytes: %v", n, len(good), err)
		}
	}
}

func TestNewIdentityCompresses(t *testing.T) {
	r, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	d, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	// Specification: savings of about 288 and 320 of 391 bytes; deflate has some overhead.
	for want, b := range map[int][]byte{391 - 260: r.Identity.Bytes(), 391 - 290: d.Destination.Bytes()} {
		var out bytes.Buffer
		w, _ := flate.NewWriter(&out, 9)
		w.Write(b)
		w.Close()
		if len(b) != 391 || out.Len() > want {
			t.Errorf("%d bytes compress to %d, want at most %d", len(b), out.Len(), want)
		}
	}
}

func testLeases() []i2p.Lease {
	return []i2p.Lease{
		{Gateway: i2p.HashOf([]byte("a")), Tunnel: 7, End: published.Add(9 * time.Minute)},
		{Gateway: i2p.HashOf([]byte("b")), Tunnel: 8, End: published.Add(10 * time.Minute)},
	}
}

func TestNewLeaseSet2(t *testing.T) {
	for _, sig := range []keys.SigType{keys.SigEd25519, keys.SigRed25519} {
		k, err := i2p.NewDestinationKeys(sig)
		if err != nil {
			t.Fatal(err)
		}
		opts, err := i2p.NewMapping(map[string]string{"_smtp._tcp": "0 86400 25"})
		if err != nil {
			t.Fatal(err)
		}
		made, err := i2p.NewLeaseSet2(k, published, testLeases(), opts, i2p.FlagUnpublished)
		if err != nil {
			t.Fatal(err)
		}
		ls, rest, err := i2p.ParseLeaseSet2(append(bytes.Clone(made.Bytes()), 1, 2))
		if err != nil || len(rest) != 2 {
			t.Fatal(err, rest)
		}
		if err := ls.Verify(); err != nil {
			t.Error(err)
		}
		pub := k.Encryption.Public()
		if key, ok := ls.EncryptionKey(keys.EncX25519); !ok || !bytes.Equal(key, pub[:]) {
			t.Error("encryption key differs")
		}
		if !ls.Published().Equal(published) || !ls.Expires().Equal(published.Add(10*time.Minute)) || !ls.Unpublished() {
			t.Errorf("%v %v %v", ls.Published(), ls.Expires(), ls.Flags())
		}
		if got := fmt.Sprint(ls.Leases()); got != fmt.Sprint(testLeases()) {
			t.Errorf("leases %v", got)
		}
		if ls.Options().Get("_smtp._tcp") != "0 86400 25" {
			t.Error("options differ")
		}
		for n := range made.Bytes() {
			if _, _, err := i2p.ParseLeaseSet2(made.Bytes()[:n]); !errors.Is(err, i2p.ErrTruncated) {
				t.Fatalf("%d bytes: %v", n, err)
			}
		}
		if _, err := i2p.ParseLeaseSetOfType(3, append(bytes.Clone(made.Bytes()), 0)); !errors.Is(err, i2p.ErrMalformed) {
			t.Errorf("with a byte too many: %v", err)
		}
	}
	k, _ := i2p.NewDestinationKeys(keys.SigEd25519)
	if _, err := i2p.NewLeaseSet2(k, published, make([]i2p.Lease, 17), i2p.Mapping{}); !errors.Is(err, i2p.ErrTooLarge) {
		t.Errorf("17 leases: %v", err)
	}
	if _, err := i2p.ParseLeaseSetOfType(5, nil); !errors.Is(err, i2p.ErrUnsupportedStoreType) {
		t.Errorf("store type 5: %v", err)
	}
}

// offlineLeaseSet lays the specification out by hand: the destination authorises a transient key, which signs.
func offlineLeaseSet(t testing.TB, expires time.Time) []byte {
	t.Helper()
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	transient, err := keys.GenerateSigning(keys.SigRed25519)
	if err != nil {
		t.Fatal(err)
	}
	authorised := binary.BigEndian.AppendUint32(nil, uint32(expires.Unix()))
	authorised = append(authorised, 0, 11)
	authorised = append(authorised, transient.Public().Key...)
	authorised = append(authorised, k.Signing.Sign(authorised)...)

	b := append([]byte{3}, k.Destination.Bytes()...)
	b = binary.BigEndian.AppendUint32(b, uint32(published.Unix()))
	b = append(b, 600>>8, 600&0xff, 0, 1)
	b = append(b, authorised...)
	b = append(b, 0, 0)
	b = append(b, 2, 0, 99, 0, 3, 'n', 'e', 'w', 0, 4, 0, 32) // a type of the future first
	b = append(b, make([]byte, 32)...)
	b = append(b, 0)
	return append(b, transient.Sign(b)...)[1:]
}

func TestLeaseSet2WithOfflineSignature(t *testing.T) {
	b := offlineLeaseSet(t, published.Add(5*time.Minute))
	ls, _, err := i2p.ParseLeaseSet2(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := ls.Verify(); err != nil {
		t.Error(err)
	}
	if !ls.Expires().Equal(published.Add(5 * time.Minute)) {
		t.Errorf("outlives its transient key: %v", ls.Expires())
	}
	if len(ls.EncryptionKeys()) != 2 || ls.EncryptionKeys()[0].Type != 99 {
		t.Errorf("keys %v", ls.EncryptionKeys())
	}
	o, rest, err := i2p.ParseOfflineSignature(b[391+8:], keys.SigEd25519)
	if err != nil || !o.Verify(ls.Destination()) || o.Transient.Type != keys.SigRed25519 {
		t.Errorf("offline signature: %v", err)
	}
	if !bytes.Equal(append(o.Append(nil), rest...), b[391+8:]) {
		t.Error("offline signature: Append differs")
	}
	b[391+8+10] ^= 1 // transient key
	if ls, _, err = i2p.ParseLeaseSet2(b); err != nil || !errors.Is(ls.Verify(), i2p.ErrBadSignature) {
		t.Error("verifies with another transient key")
	}
	ls, _, err = i2p.ParseLeaseSet2(offlineLeaseSet(t, published))
	if err != nil || !errors.Is(ls.Verify(), i2p.ErrBadSignature) {
		t.Error("verifies with an expired transient key")
	}
}

func TestLeaseSet2RefusesAKeyOfTheWrongLength(t *testing.T) {
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	made, err := i2p.NewLeaseSet2(k, published, nil, i2p.Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	const count = 391 + 8 + 2
	for name, change := range map[string]func(b []byte){
		"33 bytes": func(b []byte) { b[count+4] = 33 },
		"no key":   func(b []byte) { b[count] = 0 },
		"nine":     func(b []byte) { b[count] = 9 },
	} {
		b := bytes.Clone(made.Bytes())
		change(b)
		if _, _, err := i2p.ParseLeaseSet2(b); !errors.Is(err, i2p.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingPrintsMoreThanSixCharacters(t *testing.T) {
	d, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("x", "hash", d.Destination.Hash(), "destination", d.Destination, "keys", d)
	for _, secret := range []string{
		d.Destination.Hash().String()[6:16], d.Destination.Hash().Base32()[8:20], d.Destination.Base64()[:20],
		fmt.Sprintf("%x", d.Signing.Bytes())[:12],
	} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("log contains %s: %s", secret, out.String())
		}
	}
	if !strings.Contains(out.String(), "hash="+d.Destination.Hash().Short()) {
		t.Errorf("log does not contain the short form: %s", out.String())
	}
}
