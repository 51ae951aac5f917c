package i2p_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

func TestMapping(t *testing.T) {
	m, err := i2p.NewMapping(map[string]string{"b": "2", "a": "=;", "c": ""})
	if err != nil {
		t.Fatal(err)
	}
	want := "\x00\x12" + "\x01a=\x02=;;" + "\x01b=\x012;" + "\x01c=\x00;"
	if got := string(m.Append(nil)); got != want {
		t.Errorf("wire form %q", got)
	}
	if v, ok := m.Lookup("c"); v != "" || !ok || m.Get("a") != "=;" || m.Get("d") != "" || m.Len() != 3 {
		t.Error("lookup")
	}
	if got := (i2p.Mapping{}).Append(nil); !bytes.Equal(got, []byte{0, 0}) {
		t.Errorf("empty: %x", got)
	}
	long := strings.Repeat("x", 256)
	for _, bad := range []map[string]string{{long: ""}, {"k": long}, {"": "v"}} {
		if _, err := i2p.NewMapping(bad); !errors.Is(err, i2p.ErrTooLarge) {
			t.Errorf("%.10v: %v", bad, err)
		}
	}
}

func TestParseMapping(t *testing.T) {
	for name, c := range map[string]struct {
		in  string
		err error
	}{
		"empty":           {"\x00\x00", nil},
		"unsorted":        {"\x00\x0c\x01b=\x012;\x01a=\x012;", nil},
		"no size":         {"\x00", i2p.ErrTruncated},
		"short":           {"\x00\x06\x01a=\x012", i2p.ErrTruncated},
		"twice":           {"\x00\x0c\x01a=\x012;\x01a=\x012;", i2p.ErrMalformed},
		"no equals sign":  {"\x00\x06\x01a-\x012;", i2p.ErrMalformed},
		"no semicolon":    {"\x00\x06\x01a=\x012,", i2p.ErrMalformed},
		"key over end":    {"\x00\x06\x09a=\x012;", i2p.ErrMalformed},
		"value over end":  {"\x00\x06\x01a=\x092;", i2p.ErrMalformed},
		"empty key":       {"\x00\x05\x00=\x012;", i2p.ErrMalformed},
		"key alone":       {"\x00\x03\x01a=", i2p.ErrMalformed},
		"too many":        {"\x08\x00" + manyEntries(), i2p.ErrTooLarge},
		"no byte of more": {"\x00\x01\x01", i2p.ErrMalformed},
	} {
		m, rest, err := i2p.ParseMapping([]byte(c.in + "!"))
		if name == "short" || name == "no size" {
			m, rest, err = i2p.ParseMapping([]byte(c.in))
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && (string(m.Append(nil)) != c.in || string(rest) != "!") {
			t.Errorf("%s: becomes %q", name, m.Append(nil))
		}
	}
}

// manyEntries is 341 entries in 2,048 bytes.
func manyEntries() string {
	var b []byte
	for i := range 341 {
		b = append(b, 2, byte(i), byte(i>>8), '=', 0, ';')
	}
	return string(append(b, 0, 0))
}

func TestCertificate(t *testing.T) {
	for name, c := range map[string]struct {
		in  string
		err error
	}{
		"null":             {"\x00\x00\x00", nil},
		"hashcash":         {"\x01\x00\x03a:b", nil},
		"hidden":           {"\x02\x00\x00", nil},
		"signed":           {"\x03\x00\x28" + strings.Repeat("s", 40), nil},
		"key":              {"\x05\x00\x04\x00\x07\x00\x04", nil},
		"null with data":   {"\x00\x00\x01a", i2p.ErrMalformed},
		"signed too short": {"\x03\x00\x01a", i2p.ErrMalformed},
		"key too short":    {"\x05\x00\x03\x00\x07\x00", i2p.ErrMalformed},
		"unknown":          {"\x06\x00\x00", i2p.ErrMalformed},
		"truncated":        {"\x01\x00\x03a", i2p.ErrTruncated},
		"header":           {"\x01\x00", i2p.ErrTruncated},
		"huge":             {"\x01\xff\xff", i2p.ErrTooLarge},
	} {
		cert, rest, err := i2p.ParseCertificate([]byte(c.in))
		if !errors.Is(err, c.err) || len(rest) != 0 {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && string(cert.Append(nil)) != c.in {
			t.Errorf("%s: becomes %q", name, cert.Append(nil))
		}
	}
}

// identity lays 384 bytes and a key certificate out by hand.
func identity(sig, enc uint16, excess string) []byte {
	b := bytes.Repeat([]byte{1}, 384)
	for i := 256; i < 384; i++ {
		b[i] = byte(i)
	}
	n := 4 + len(excess)
	b = append(b, 5, byte(n>>8), byte(n), byte(sig>>8), byte(sig), byte(enc>>8), byte(enc))
	return append(b, excess...)
}

func TestKeyLayout(t *testing.T) {
	d, _, err := i2p.ParseDestination(identity(3, 4, "tail"))
	if err != nil {
		t.Fatal(err)
	}
	key := d.SigningKey()
	if key.Type != keys.SigECDSAP521 || len(key.Key) != 132 || key.Key[0] != 0 || key.Key[127] != 127 || string(key.Key[128:]) != "tail" {
		t.Errorf("signing key %v %x", key.Type, key.Key)
	}
	if d.EncType() != keys.EncX25519 || len(d.EncryptionKey()) != 32 {
		t.Errorf("encryption key %v %x", d.EncType(), d.EncryptionKey())
	}
	d, _, err = i2p.ParseDestination(identity(7, 0, ""))
	if err != nil || len(d.SigningKey().Key) != 32 || d.SigningKey().Key[0] != 96 || len(d.EncryptionKey()) != 256 {
		t.Errorf("Ed25519 %v", err)
	}
	null := append(identity(0, 0, "")[:384], 0, 0, 0)
	if d, _, err = i2p.ParseDestination(null); err != nil || d.SigningKey().Type != keys.SigDSASHA1 || len(d.SigningKey().Key) != 128 {
		t.Errorf("null certificate: %v", err)
	}
}

func TestIdentityRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		b      []byte
		err    error
		router bool // only in a router
	}{
		"excess":               {identity(7, 4, "x"), i2p.ErrMalformed, false},
		"excess of P521":       {identity(3, 4, "tai"), i2p.ErrMalformed, false},
		"RSA":                  {identity(4, 0, strings.Repeat("x", 128)), i2p.ErrUnsupportedKey, false},
		"reserved type":        {identity(9, 0, ""), i2p.ErrUnsupportedKey, false},
		"P256 encryption":      {identity(7, 1, ""), i2p.ErrUnsupportedKey, false},
		"short":                {identity(7, 4, "")[:390], i2p.ErrTruncated, false},
		"RedDSA router":        {identity(11, 4, ""), i2p.ErrUnsupportedKey, true},
		"ML-KEM router":        {identity(7, 6, ""), i2p.ErrUnsupportedKey, true},
		"unknown certificate":  {append(make([]byte, 384), 9, 0, 0), i2p.ErrMalformed, false},
		"null with a payload":  {append(make([]byte, 384), 0, 0, 1, 1), i2p.ErrMalformed, false},
		"without certificate":  {make([]byte, 384), i2p.ErrTruncated, false},
		"certificate too long": {append(make([]byte, 384), 4, 2, 1), i2p.ErrTooLarge, false},
	} {
		if _, _, err := i2p.ParseRouterIdentity(c.b); !errors.Is(err, c.err) {
			t.Errorf("%s in a router: %v", name, err)
		}
		want := c.err
		if c.router {
			want = nil
		}
		if _, _, err := i2p.ParseDestination(c.b); !errors.Is(err, want) {
			t.Errorf("%s in a destination: %v", name, err)
		}
	}
}

func TestParsedDestinationDoesNotShareTheBuffer(t *testing.T) {
	b := identity(7, 4, "")
	d, _, err := i2p.ParseDestination(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if d.SigningKey().Key[5] == 0 || d.Hash() != i2p.HashOf(d.Bytes()) {
		t.Error("it changed with the buffer")
	}
}

func TestEncodings(t *testing.T) {
	h, err := i2p.ParseHash(floodfillHash)
	if err != nil || h.String() != floodfillHash || h.Short() != floodfillHash[:6] {
		t.Errorf("%v, %v", h, err)
	}
	if got := i2p.EncodeBase64([]byte{0xfb, 0xff, 0xfe}); got != "-~~-" {
		t.Errorf("alphabet: %s", got)
	}
	for _, bad := range []string{"ab\ncd", "+/+/", "AB", "A", "AAA", "AA=", "=", "====", "QQ===", "A===", "AAAA====", "AA==AAAA"} {
		if bad == "AAA" {
			continue // AAA is two zero bytes
		}
		if b, err := i2p.DecodeBase64(bad); !errors.Is(err, i2p.ErrMalformed) {
			t.Errorf("base64 %q: %x, %v", bad, b, err)
		}
	}
	for _, bad := range []string{"AA", "a\na", "ab", "a", "a1", "aa======"} {
		if b, err := i2p.DecodeBase32(bad); !errors.Is(err, i2p.ErrMalformed) {
			t.Errorf("base32 %q: %x, %v", bad, b, err)
		}
	}
	if b, err := i2p.DecodeBase32("mfrgg"); err != nil || string(b) != "abc" {
		t.Errorf("base32: %q, %v", b, err)
	}
	var g i2p.Hash
	if err := g.UnmarshalText([]byte(floodfillHash)); err != nil || g != h {
		t.Errorf("text: %v", err)
	}
	if _, err := i2p.ParseHash("AAAA"); !errors.Is(err, i2p.ErrMalformed) {
		t.Errorf("short hash: %v", err)
	}
}

func TestVersion(t *testing.T) {
	for s, want := range map[string]int{
		"0.9.67": 967, "0.9.57": 957, "1.0.0": 100, "0.9.100": 9100, "": 0, "x": 0, "99999999999999999999": 0,
	} {
		if got := i2p.ParseVersion(s); got != want {
			t.Errorf("%q is %d, want %d", s, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	if got := i2p.AppendDate(nil, time.Time{}); !bytes.Equal(got, make([]byte, 8)) {
		t.Errorf("zero Time: %x", got)
	}
	if got, _, err := i2p.ParseDate(make([]byte, 8)); err != nil || !got.IsZero() {
		t.Errorf("null Date: %v", got)
	}
	got, _, err := i2p.ParseDate(i2p.AppendDate(nil, published))
	if err != nil || !got.Equal(published) {
		t.Errorf("%v, %v", got, err)
	}
	if _, _, err = i2p.ParseDate(bytes.Repeat([]byte{0xff}, 8)); !errors.Is(err, i2p.ErrMalformed) {
		t.Errorf("far future: %v", err)
	}
	if got := i2p.AppendSeconds(nil, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)); !bytes.Equal(got, []byte{255, 255, 255, 255}) {
		t.Errorf("after 2106: %x", got)
	}
	if got := i2p.AppendSeconds(nil, time.Time{}); !bytes.Equal(got, make([]byte, 4)) {
		t.Errorf("zero Time in seconds: %x", got)
	}
}

func TestRouterAddressOptions(t *testing.T) {
	high := bytes.Repeat([]byte{0xff}, 32)
	a, err := i2p.NewRouterAddress(1, "SSU2", map[string]string{"host": "example.i2p", "port": "70000", "s": i2p.EncodeBase64(high), "i": "AA", "caps": "46"})
	if err != nil {
		t.Fatal(err)
	}
	if a.Host().IsValid() || a.Port() != 0 || a.AddrPort().IsValid() {
		t.Errorf("host %v, port %d", a.Host(), a.Port())
	}
	if _, ok := a.StaticKey(); ok {
		t.Error("static key with its high bit set")
	}
	if _, ok := a.IV(); ok {
		t.Error("IV of one byte")
	}
	if !a.IsV4() || !a.IsV6() {
		t.Error("families of the capabilities")
	}
	mapped, _ := i2p.NewRouterAddress(1, "SSU2", map[string]string{"host": "::ffff:1.2.3.4"})
	if !mapped.IsV4() || mapped.Host().String() != "1.2.3.4" {
		t.Errorf("mapped host %v", mapped.Host())
	}
	if zoned, _ := i2p.NewRouterAddress(1, "SSU2", map[string]string{"host": "fe80::1%eth0"}); zoned.Host().IsValid() {
		t.Error("host with a zone")
	}
}
