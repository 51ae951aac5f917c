package i2p_test

import (
	"bytes"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// fuzzParse checks that parse does not panic, takes a prefix of its input, and that what it took, written again, is
// that prefix and parses again.
func fuzzParse[T any](f *testing.F, parse func([]byte) (T, []byte, error), write func(T) []byte) {
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bytes.Clone(b)
		v, rest, err := parse(b)
		if !bytes.Equal(b, in) {
			t.Fatal("the input changed")
		}
		if err != nil {
			return
		}
		out := write(v)
		if !bytes.Equal(append(bytes.Clone(out), rest...), in) {
			t.Fatalf("%x and rest %x are not the input", out, rest)
		}
		clear(b)
		if v, rest, err = parse(bytes.Clone(out)); err != nil || len(rest) != 0 || !bytes.Equal(write(v), out) {
			t.Fatalf("second time: %v, rest %x", err, rest)
		}
	})
}

func seed(f *testing.F, names ...string) {
	f.Add([]byte{})
	for _, n := range names {
		f.Add(testdata(f, n))
	}
}

func FuzzCertificate(f *testing.F) {
	f.Add([]byte{0, 0, 0})
	f.Add([]byte{5, 0, 4, 0, 7, 0, 4})
	f.Add(append([]byte{3, 0, 40}, make([]byte, 40)...))
	fuzzParse(f, i2p.ParseCertificate, func(c i2p.Certificate) []byte {
		if k, err := c.Key(); err == nil {
			return k.Certificate().Append(nil)
		}
		return c.Append(nil)
	})
}

func FuzzMapping(f *testing.F) {
	f.Add([]byte("\x00\x0c\x01b=\x012;\x01a=\x012;"))
	f.Add([]byte{0, 0})
	fuzzParse(f, i2p.ParseMapping, func(m i2p.Mapping) []byte { return m.Append(nil) })
}

func FuzzDate(f *testing.F) {
	f.Add(make([]byte, 8))
	f.Add([]byte{0, 0, 1, 0x9f, 0, 1, 2, 3, 4})
	fuzzParse(f, i2p.ParseDate, func(d time.Time) []byte { return i2p.AppendDate(nil, d) })
}

func FuzzSeconds(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4})
	fuzzParse(f, i2p.ParseSeconds, func(d time.Time) []byte { return i2p.AppendSeconds(nil, d) })
}

func FuzzRouterIdentity(f *testing.F) {
	seed(f, "router_info_client.dat")
	fuzzParse(f, i2p.ParseRouterIdentity, (*i2p.RouterIdentity).Bytes)
}

func FuzzDestination(f *testing.F) {
	seed(f, "lease_set2_p521.dat", "lease_set2_dsa.dat", "lease_set2_red25519.dat")
	fuzzParse(f, i2p.ParseDestination, (*i2p.Destination).Bytes)
}

func FuzzRouterAddress(f *testing.F) {
	f.Add([]byte("\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x05NTCP2\x00\x06\x01a=\x012;"))
	fuzzParse(f, i2p.ParseRouterAddress, func(a i2p.RouterAddress) []byte {
		a.AddrPort()
		a.StaticKey()
		a.IV()
		return a.Append(nil)
	})
}

func FuzzRouterInfo(f *testing.F) {
	seed(f, "router_info_client.dat", "router_info_floodfill.dat")
	fuzzParse(f, i2p.ParseRouterInfo, func(ri *i2p.RouterInfo) []byte {
		ri.Verify()
		return ri.Bytes()
	})
}

func FuzzLeaseSet(f *testing.F) {
	seed(f, "lease_set1_dsa.dat", "lease_set1_ed25519.dat")
	fuzzParse(f, i2p.ParseLeaseSet, func(ls *i2p.LeaseSet1) []byte {
		ls.Verify()
		return ls.Bytes()
	})
}

func FuzzLeaseSet2(f *testing.F) {
	seed(f, "lease_set2_dsa.dat", "lease_set2_p256.dat", "lease_set2_p384.dat", "lease_set2_p521.dat",
		"lease_set2_ed25519.dat", "lease_set2_red25519.dat")
	f.Add(offlineLeaseSet(f, published.Add(time.Minute)))
	fuzzParse(f, i2p.ParseLeaseSet2, func(ls *i2p.LeaseSet2) []byte {
		ls.Verify()
		return ls.Bytes()
	})
}

func FuzzOfflineSignature(f *testing.F) {
	f.Add(offlineLeaseSet(f, published.Add(time.Minute))[391+8:])
	parse := func(b []byte) (i2p.OfflineSignature, []byte, error) {
		return i2p.ParseOfflineSignature(b, keys.SigEd25519)
	}
	fuzzParse(f, parse, func(o i2p.OfflineSignature) []byte { return o.Append(nil) })
}

func FuzzRouterKeys(f *testing.F) {
	seed(f, "router_keys.dat")
	fuzzParse(f, i2p.ParseRouterKeys, func(k *i2p.RouterKeys) []byte { return k.Append(nil) })
}

func FuzzDestinationKeys(f *testing.F) {
	seed(f, "destination_keys.dat")
	f.Fuzz(func(t *testing.T, b []byte) {
		// An unused encryption key of zeros is replaced, so the bytes need not come back: no panic is all.
		if k, _, err := i2p.ParseDestinationKeys(b); err == nil {
			k.Append(nil)
		}
	})
}

func FuzzBase64(f *testing.F) {
	f.Add(floodfillHash)
	f.Fuzz(func(t *testing.T, s string) {
		b, err := i2p.DecodeBase64(s)
		if err != nil {
			return
		}
		if back, err := i2p.DecodeBase64(i2p.EncodeBase64(b)); err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%q: %v", s, err)
		}
	})
}

func FuzzBase32(f *testing.F) {
	f.Add("mfrgg")
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := i2p.DecodeBase32(s); err == nil && i2p.EncodeBase32(b) != s {
			t.Fatalf("%q is not canonical", s)
		}
	})
}
