package reddsa_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"clove.i2p/router/crypto/reddsa"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("bad vector %q", s)
	}
	return b
}

type vector struct{ edsk, edpk, sk, alpha, rsk, rvk [32]byte }

func vectors(t *testing.T) (vs []vector) {
	f, err := os.Open("testdata/red25519.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		c := strings.Fields(s.Text())
		at := func(i int) [32]byte { return [32]byte(unhex(t, c[i])) }
		vs = append(vs, vector{at(0), at(1), at(2), at(3), at(4), at(5)})
	}
	if len(vs) != 10 {
		t.Fatalf("%d vectors", len(vs))
	}
	return vs
}

// order of the group, for keys that the vectors do not reduce.
var order, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

func reduced(k [32]byte) (r [32]byte) {
	slices.Reverse(k[:])
	new(big.Int).Mod(new(big.Int).SetBytes(k[:]), order).FillBytes(r[:])
	slices.Reverse(r[:])
	return r
}

func TestBlindingAgreesWithTheSpecification(t *testing.T) {
	for i, v := range vectors(t) {
		if got := reddsa.FromEd25519(v.edsk); got != reduced(v.sk) {
			t.Errorf("%d: private key %x", i, got)
		}
		if got := reddsa.Public(v.sk); got != v.edpk {
			t.Errorf("%d: public key %x", i, got)
		}
		if got := reddsa.BlindPrivate(v.sk, v.alpha); got != v.rsk {
			t.Errorf("%d: blinded private key %x, want %x", i, got, v.rsk)
		}
		if got, err := reddsa.BlindPublic(v.edpk, v.alpha); err != nil || got != v.rvk {
			t.Errorf("%d: blinded public key %x, want %x, %v", i, got, v.rvk, err)
		}
		if got := reddsa.Public(v.rsk); got != v.rvk {
			t.Errorf("%d: public key of the blinded one %x", i, got)
		}
	}
}

// What a Red25519 key signs, any Ed25519 implementation verifies: that is the wire form.
func TestSignaturesAreEd25519Signatures(t *testing.T) {
	for range 20 {
		k := reddsa.GenerateKey()
		if k != reduced(k) {
			t.Fatal("key is not reduced")
		}
		public := reddsa.Public(k)
		msg := []byte("message")
		sig := reddsa.Sign(k, msg)
		if !ed25519.Verify(public[:], msg, sig) || !reddsa.Verify(public[:], msg, sig) {
			t.Fatal("signature not accepted")
		}
		if bytes.Equal(sig, reddsa.Sign(k, msg)) {
			t.Fatal("two signatures are equal")
		}
		sig[40] ^= 1
		if reddsa.Verify(public[:], msg, sig) || reddsa.Verify(public[:], []byte("massage"), sig) {
			t.Fatal("altered signature accepted")
		}
	}
}

func TestBlindedKeysSign(t *testing.T) {
	v := vectors(t)[0]
	sig := reddsa.Sign(v.rsk, []byte("lease set"))
	if !reddsa.Verify(v.rvk[:], []byte("lease set"), sig) {
		t.Fatal("signature of the blinded key not accepted")
	}
	if reddsa.Verify(v.edpk[:], []byte("lease set"), sig) {
		t.Fatal("signature of the blinded key accepted for the other")
	}
}

func TestUnusableInputIsRefused(t *testing.T) {
	if reddsa.Verify(nil, nil, nil) || reddsa.Verify(make([]byte, 31), nil, make([]byte, 64)) {
		t.Error("wrong lengths accepted")
	}
	bad := [32]byte{2} // y = 2 is on no point
	if _, err := reddsa.BlindPublic(bad, [32]byte{1}); err == nil {
		t.Error("blinded a key that is no point")
	}
}
