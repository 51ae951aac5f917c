package datagram_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
)

// vectors are the packets of testdata/vectors.txt by name; see PROVENANCE.
func vectors(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		if out[name], err = hex.DecodeString(digits); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

var vectorTypes = map[string]keys.SigType{
	"dsa": keys.SigDSASHA1, "p256": keys.SigECDSAP256, "p384": keys.SigECDSAP384, "p521": keys.SigECDSAP521, "ed25519": keys.SigEd25519,
}

// before is a time at which the offline signatures of the vectors hold.
var before = time.Unix(1_999_999_999, 0)

func TestDatagram1OfEveryType(t *testing.T) {
	v := vectors(t)
	for name, typ := range vectorTypes {
		b := v["datagram1_"+name]
		d, err := datagram.ParseDatagram1(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !d.Verify() {
			t.Errorf("%s: signature does not verify", name)
		}
		if h := i2p.Hash(v["hash_"+name]); string(d.Payload) != "hello, "+name || d.From.Hash() != h || d.From.SigningKey().Type != typ {
			t.Errorf("%s: payload %q, from %s of type %v", name, d.Payload, d.From.Hash(), d.From.SigningKey().Type)
		}
		if !bytes.Equal(d.Append(nil), b) {
			t.Errorf("%s: Append is not what was parsed", name)
		}
		d.Payload[0] ^= 1
		if d.Verify() {
			t.Errorf("%s: another payload verifies", name)
		}
	}
}

func TestDatagram1OfI2pd(t *testing.T) {
	types := maps.Clone(vectorTypes)
	types["red25519"] = keys.SigRed25519
	for name, typ := range types {
		b, err := os.ReadFile("testdata/i2pd_datagram1_" + name + ".dat")
		if err != nil {
			t.Fatal(err)
		}
		d, err := datagram.ParseDatagram1(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !d.Verify() || string(d.Payload) != "hello" || d.From.SigningKey().Type != typ {
			t.Errorf("%s: payload %q, type %v, verifies: %v", name, d.Payload, d.From.SigningKey().Type, d.Verify())
		}
	}
}

func TestDatagram2OfEveryType(t *testing.T) {
	v := vectors(t)
	to := i2p.Hash(v["to"])
	for name := range vectorTypes {
		for _, form := range []string{"datagram2_", "datagram2_options_"} {
			b := v[form+name]
			d, err := datagram.ParseDatagram2(b)
			if err != nil {
				t.Fatalf("%s%s: %v", form, name, err)
			}
			whole := bytes.Clone(b)
			if err := d.Verify(to, before); err != nil {
				t.Errorf("%s%s: %v", form, name, err)
			}
			if !bytes.Equal(b, whole) {
				t.Errorf("%s%s: Verify has changed the packet", form, name)
			}
			if string(d.Payload) != "hello, "+name || d.From.Hash() != i2p.Hash(v["hash_"+name]) || d.Offline != nil {
				t.Errorf("%s%s: %+v", form, name, d)
			}
			if want := form == "datagram2_options_"; (d.Options.Get("seqn") == "7") != want || (d.Options.Len() == 2) != want {
				t.Errorf("%s%s: options %v", form, name, d.Options)
			}
			// What was meant for another is no use here: replay prevention.
			if err := d.Verify(i2p.Hash{1}, before); !errors.Is(err, i2p.ErrBadSignature) {
				t.Errorf("%s%s: for another receiver: %v", form, name, err)
			}
		}
	}
}

func TestDatagram2OfflineOfEveryType(t *testing.T) {
	v := vectors(t)
	to := i2p.Hash(v["to"])
	n := 0
	for by := range vectorTypes {
		for transient, typ := range vectorTypes {
			b, ok := v["datagram2_offline_"+by+"_"+transient]
			if !ok {
				continue
			}
			n++
			d, err := datagram.ParseDatagram2(b)
			if err != nil {
				t.Fatalf("%s, %s: %v", by, transient, err)
			}
			if d.Offline == nil || d.Offline.Transient.Type != typ || string(d.Payload) != "hello, "+by {
				t.Fatalf("%s, %s: %+v", by, transient, d)
			}
			if err := d.Verify(to, before); err != nil {
				t.Errorf("%s, %s: %v", by, transient, err)
			}
			if err := d.Verify(to, before.Add(time.Second)); !errors.Is(err, datagram.ErrExpired) {
				t.Errorf("%s, %s: at the end: %v", by, transient, err)
			}
			if err := d.Verify(i2p.Hash{1}, before); !errors.Is(err, i2p.ErrBadSignature) {
				t.Errorf("%s, %s: for another receiver: %v", by, transient, err)
			}
		}
	}
	if n != 20 {
		t.Errorf("%d vectors, want 20", n)
	}
}

// Whatever byte changes, the packet is not right any more: all of it is signed, or the key that has to verify.
func TestNoByteOfDatagram2CanChange(t *testing.T) {
	v := vectors(t)
	to := i2p.Hash(v["to"])
	for _, name := range []string{"datagram2_options_ed25519", "datagram2_offline_ed25519_ed25519"} {
		good := v[name]
		for i := range good {
			b := bytes.Clone(good)
			b[i] ^= 0x80
			d, err := datagram.ParseDatagram2(b)
			if err != nil {
				continue
			}
			if err := d.Verify(to, before); err == nil && d.From.Hash() == i2p.Hash(v["hash_ed25519"]) {
				t.Errorf("%s: byte %d changed, and it verifies", name, i)
			}
		}
	}
}

func TestDatagram3(t *testing.T) {
	v := vectors(t)
	for name, options := range map[string]int{"datagram3": 0, "datagram3_options": 2} {
		d, err := datagram.ParseDatagram3(v[name])
		if err != nil {
			t.Fatal(err)
		}
		if string(d.Payload) != "hello" || d.From != i2p.Hash(v[name][:32]) || d.Options.Len() != options {
			t.Errorf("%s: %+v", name, d)
		}
		if !bytes.Equal(d.Append(nil), v[name]) {
			t.Errorf("%s: Append is not what was parsed", name)
		}
	}
}

// What is made here is read as it was meant, by keys of every type that can sign.
func TestWhatIsSignedVerifies(t *testing.T) {
	options, err := i2p.NewMapping(map[string]string{"a": "1", "b": "2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []keys.SigType{keys.SigEd25519, keys.SigRed25519, keys.SigECDSAP256, keys.SigECDSAP384, keys.SigECDSAP521} {
		k, err := i2p.NewDestinationKeys(typ)
		if err != nil {
			t.Fatal(err)
		}
		d1, err := datagram.ParseDatagram1(datagram.AppendDatagram1(nil, k, []byte("one")))
		if err != nil || !d1.Verify() || d1.From.Hash() != k.Destination.Hash() || string(d1.Payload) != "one" {
			t.Errorf("%v: Datagram1 %+v, %v", typ, d1, err)
		}
		for _, m := range []i2p.Mapping{{}, options} {
			to := i2p.Hash{1, 2, 3}
			b := datagram.AppendDatagram2([]byte("kept"), k, to, m, []byte("two"))
			d2, err := datagram.ParseDatagram2(b[4:])
			if err != nil || d2.Verify(to, before) != nil || d2.From.Hash() != k.Destination.Hash() || string(d2.Payload) != "two" || d2.Options.Len() != m.Len() {
				t.Errorf("%v: Datagram2 %+v, %v", typ, d2, err)
			}
			if string(b[:4]) != "kept" {
				t.Errorf("%v: %q in front", typ, b[:4])
			}
		}
	}
}

func TestMalformedPackets(t *testing.T) {
	v := vectors(t)
	one, two, three := v["datagram1_ed25519"], v["datagram2_ed25519"], v["datagram3"]
	flags := len(two) - len("hello, ed25519") - 64 - 2 // where they are
	with := func(b []byte, at int, value ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], value)
		return b
	}
	cut := func(b []byte, n int) []byte { return b[:n:n] }
	huge := append(with(three, 32, 0, 0x13)[:34:34], 0x04, 0x01)
	for name, c := range map[string]struct {
		kind datagram.Kind
		b    []byte
		err  error
	}{
		"1: empty":                   {datagram.KindDatagram1, nil, i2p.ErrTruncated},
		"1: half a destination":      {datagram.KindDatagram1, cut(one, 200), i2p.ErrTruncated},
		"1: half a signature":        {datagram.KindDatagram1, cut(one, 391+63), i2p.ErrTruncated},
		"1: unknown certificate":     {datagram.KindDatagram1, with(one, 384, 9), i2p.ErrMalformed},
		"1: unknown signature type":  {datagram.KindDatagram1, with(one, 387, 0xff), i2p.ErrUnsupportedKey},
		"2: no flags":                {datagram.KindDatagram2, cut(two, flags+1), i2p.ErrTruncated},
		"2: no signature":            {datagram.KindDatagram2, cut(two, flags+2+63), i2p.ErrTruncated},
		"2: version 3":               {datagram.KindDatagram2, with(two, flags, 0, 3), datagram.ErrVersion},
		"2: unknown flag":            {datagram.KindDatagram2, with(two, flags, 0, 0x42), datagram.ErrVersion},
		"2: flag of the high byte":   {datagram.KindDatagram2, with(two, flags, 1, 2), datagram.ErrVersion},
		"2: options beyond the end":  {datagram.KindDatagram2, with(two, flags, 0, 0x12, 0x02, 0), i2p.ErrTruncated},
		"2: options that are none":   {datagram.KindDatagram2, with(two, flags, 0, 0x12, 0, 4), i2p.ErrMalformed},
		"2: too many options":        {datagram.KindDatagram2, with(two, flags, 0, 0x12, 4, 1), i2p.ErrTooLarge},
		"2: offline without a block": {datagram.KindDatagram2, with(two, flags, 0, 0x22, 1, 1, 1, 1, 0, 7), i2p.ErrTruncated},
		"2: unknown transient type":  {datagram.KindDatagram2, with(two, flags, 0, 0x22, 1, 1, 1, 1, 0, 99), i2p.ErrUnsupportedKey},
		"3: empty":                   {datagram.KindDatagram3, nil, i2p.ErrTruncated},
		"3: no flags":                {datagram.KindDatagram3, cut(three, 33), i2p.ErrTruncated},
		"3: version 2":               {datagram.KindDatagram3, with(three, 32, 0, 2), datagram.ErrVersion},
		"3: offline flag":            {datagram.KindDatagram3, with(three, 32, 0, 0x23), datagram.ErrVersion},
		"3: too many options":        {datagram.KindDatagram3, huge, i2p.ErrTooLarge},
	} {
		var err error
		switch c.kind {
		case datagram.KindDatagram1:
			_, err = datagram.ParseDatagram1(c.b)
		case datagram.KindDatagram2:
			_, err = datagram.ParseDatagram2(c.b)
		default:
			_, err = datagram.ParseDatagram3(c.b)
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
}

func TestKindsAndAddresses(t *testing.T) {
	for k, want := range map[datagram.Kind]string{
		datagram.KindDatagram1: "datagram1 true true", datagram.KindRaw: "raw false false",
		datagram.KindDatagram2: "datagram2 true true", datagram.KindDatagram3: "datagram3 true false",
	} {
		got := k.String()
		for _, b := range []bool{k.Repliable(), k.Proven()} {
			if b {
				got += " true"
			} else {
				got += " false"
			}
		}
		if got != want || !k.Known() {
			t.Errorf("%d: %s, want %s", k, got, want)
		}
	}
	if datagram.Kind(6).Known() || datagram.Kind(21).Known() || datagram.Kind(6).String() != "Kind(6)" {
		t.Error("streaming is no datagram")
	}
	a := datagram.Addr{Hash: i2p.Hash{}, Port: 53}
	if a.String() != ":53" || a.Network() != "i2p" {
		t.Errorf("unknown sender %q", a)
	}
	if a.Hash[0] = 1; a.String() != "aeaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b32.i2p:53" {
		t.Errorf("address %q", a)
	}
}
