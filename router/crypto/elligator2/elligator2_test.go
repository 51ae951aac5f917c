package elligator2_test

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"

	"clove.i2p/router/crypto/elligator2"
)

func unhex(t testing.TB, s string) [32]byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("bad vector %q", s)
	}
	return [32]byte(b)
}

// The vectors are those of i2pd's tests/test-elligator.cpp, which it has from the Java router.
// There the key has its high bit set and is taken modulo p; this is the same number in its canonical form (X25519
// itself, and Encode, ignore that bit).
func TestEncodeAgreesWithI2pd(t *testing.T) {
	key := unhex(t, "46951964003c940878063ccfd0348af42150ca16d2646f2c5856e8338377d800")
	for random, want := range map[byte]string{
		0: "2820b6b241e0f68a6c4a7fee3d978228ef3ae45533cd410aa91a415331d8612d",
		1: "3cfb87c46c0b4575ca8175e0ed1c0ae9dae79db78df86997c4847b9f20b27718",
	} {
		got, ok := elligator2.Encode(key, random)
		if !ok || got != unhex(t, want) {
			t.Errorf("random %d: %x %v, want %s", random, got, ok, want)
		}
	}
	if _, ok := elligator2.Encode(unhex(t, "e6f66fdf6e230c603c5e6e59a254ea1476a13eb9511b9549846781e12e52230a"), 0); ok {
		t.Error("a key without representative was encoded")
	}
}

func TestDecodeAgreesWithI2pd(t *testing.T) {
	for rep, want := range map[string]string{
		"e73507d38bae63992b3f57aac48c0abc14509589288457995a2b4ca3490aa207": "1e8afffed6bf53fe271ad572473262ded8faec68e5e67ef45ebb82eeba52604f",
		"95a16019041dbefed9832048ede11928d90365f24a38aa7aef1b97e23954101b": "794f05ba3e3a72958022468c88981e0be5782be1e1145ce2c3c6fde16ded5363",
		"f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff3f": "9cdb525555555555555555555555555555555555555555555555555555555555",
	} {
		r := unhex(t, rep)
		for high := range byte(4) {
			r[31] = r[31]&0x3f | high<<6
			if got := elligator2.Decode(r); got != unhex(t, want) {
				t.Errorf("%s with high bits %d: %x, want %s", rep, high, got, want)
			}
		}
	}
}

// RFC 9380 appendix J.4: u and Q.x, big-endian. There u is any field element; -u maps to the same point.
func TestDecodeAgreesWithRFC9380(t *testing.T) {
	p, _ := new(big.Int).SetString("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed", 16)
	for u, want := range map[string]string{
		"608d892b641f0328523802a6603427c26e55e6f27e71a91a478148d45b5093cd": "51125222da5e763d97f3c10fcc92ea6860b9ccbbd2eb1285728f566721c1e65b",
		"46f5b22494bfeaa7f232cc8d054be68561af50230234d7d1d63d1d9abeca8da5": "7d56d1e08cb0ccb92baf069c18c49bb5a0dcd927eff8dcf75ca921ef7f3e6eeb",
		"235fe40c443766ce7e18111c33862d66c3b33267efa50d50f9e8e5d252a40aaa": "3fbe66b9c9883d79e8407150e7c2a1c8680bee496c62fabe4619a72b3cabe90f",
		"005fe8a7b8fef0a16c105e6cadf5a6740b3365e18692a9c05bfbb4d97f645a6a": "36b4df0c864c64707cbf6cf36e9ee2c09a6cb93b28313c169be29561bb904f98",
		"1347edbec6a2b5d8c02e058819819bee177077c9d10a4ce165aab0fd0252261a": "3fa114783a505c0b2b2fbeef0102853c0b494e7757f2a089d0daae7ed9a0db2b",
	} {
		r, _ := new(big.Int).SetString(u, 16)
		if r.BitLen() > 254 {
			r.Sub(p, r)
		}
		var rep [32]byte
		r.FillBytes(rep[:])
		slices.Reverse(rep[:])
		got := elligator2.Decode(rep)
		slices.Reverse(got[:])
		if got != unhex(t, want) {
			t.Errorf("%s: %x, want %s", u, got, want)
		}
	}
}

func TestGeneratedKeysDecodeToTheirPublicKey(t *testing.T) {
	var high [4]int
	for range 200 {
		priv, pub, rep := elligator2.GenerateKey()
		if got := elligator2.Decode(rep); got != pub {
			t.Fatalf("decoded %x, want %x", got, pub)
		}
		k, err := ecdh.X25519().NewPrivateKey(priv[:])
		if err != nil || !bytes.Equal(k.PublicKey().Bytes(), pub[:]) {
			t.Fatalf("public key is not that of the private key")
		}
		high[rep[31]>>6]++
	}
	for i, n := range high {
		if n == 0 {
			t.Errorf("high bits %d never used", i)
		}
	}
}

func TestBothRepresentativesDecode(t *testing.T) {
	for range 100 {
		_, pub, _ := elligator2.GenerateKey()
		first, ok0 := elligator2.Encode(pub, 0)
		second, ok1 := elligator2.Encode(pub, 1)
		if !ok0 || !ok1 || first == second {
			t.Fatalf("%x: %v %v, same %v", pub, ok0, ok1, first == second)
		}
		if elligator2.Decode(first) != pub || elligator2.Decode(second) != pub {
			t.Fatalf("%x: a representative decodes to another key", pub)
		}
	}
}

func FuzzDecodeEncode(f *testing.F) {
	f.Add(make([]byte, 32))
	f.Add(bytes.Repeat([]byte{0xff}, 32))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 32 {
			return
		}
		pub := elligator2.Decode([32]byte(b))
		for random := range byte(2) {
			if rep, ok := elligator2.Encode(pub, random); ok && elligator2.Decode(rep) != pub {
				t.Fatalf("%x does not come back", b)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	_, _, rep := elligator2.GenerateKey()
	for b.Loop() {
		elligator2.Decode(rep)
	}
}

func BenchmarkGenerateKey(b *testing.B) {
	for b.Loop() {
		elligator2.GenerateKey()
	}
}
