package mlkem

import (
	"bytes"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/cloudflare/circl/kem"
	"github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

type vector struct {
	Params                Params
	TcID                  int
	D, Z, Ek, Dk, M, C, K hexBytes
}

// acvp are the vectors of NIST; the file says where they are from.
func acvp(t testing.TB) (v struct{ KeyGen, Encapsulation, Decapsulation []vector }) {
	t.Helper()
	b, err := os.ReadFile("testdata/acvp.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.KeyGen) != 6 || len(v.Encapsulation) != 6 || len(v.Decapsulation) != 2 {
		t.Fatal("vectors are missing")
	}
	return v
}

func TestKeysAgreeWithACVP(t *testing.T) {
	for _, v := range acvp(t).KeyGen {
		k, err := NewPrivateKey(v.Params, append(v.D, v.Z...))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(k.EncapsulationKey(), v.Ek) {
			t.Errorf("%v, tcId %d: another key", v.Params, v.TcID)
		}
	}
}

// The random input of an encapsulation is not part of the API; here the implementations behind it are given that of NIST.
func TestEncapsulationAgreesWithACVP(t *testing.T) {
	for _, v := range acvp(t).Encapsulation {
		var k, c []byte
		var err error
		switch v.Params {
		case MLKEM512:
			var secret [SecretSize]byte
			secret, c, err = encapsulate512(v.Ek, v.M)
			k = secret[:]
		case MLKEM768:
			key, keyErr := mlkem.NewEncapsulationKey768(v.Ek)
			if keyErr != nil {
				t.Fatal(keyErr)
			}
			k, c, err = mlkemtest.Encapsulate768(key, v.M)
		case MLKEM1024:
			key, keyErr := mlkem.NewEncapsulationKey1024(v.Ek)
			if keyErr != nil {
				t.Fatal(keyErr)
			}
			k, c, err = mlkemtest.Encapsulate1024(key, v.M)
		}
		if err != nil || !bytes.Equal(k, v.K) || !bytes.Equal(c, v.C) {
			t.Errorf("%v, tcId %d: another secret or ciphertext, %v", v.Params, v.TcID, err)
		}
		if err := Check(v.Params, v.Ek); err != nil {
			t.Errorf("%v, tcId %d: %v", v.Params, v.TcID, err)
		}
	}
}

func TestDecapsulationAgreesWithACVP(t *testing.T) {
	for _, v := range acvp(t).Decapsulation {
		k := &PrivateKey{params: v.Params, k512: new(mlkem512.PrivateKey)}
		if err := k.k512.Unpack(v.Dk); err != nil {
			t.Fatal(err)
		}
		if secret, err := k.Decapsulate(v.C); err != nil || !bytes.Equal(secret[:], v.K) {
			t.Errorf("%v, tcId %d: another secret, %v", v.Params, v.TcID, err)
		}
	}
}

// NIST has no decapsulation vectors for keys given by seed, which is all that crypto/mlkem takes: another implementation, which
// does agree with them, is compared instead, on good ciphertexts and on changed ones.
func TestDecapsulationAgreesWithCircl(t *testing.T) {
	for p, scheme := range map[Params]kem.Scheme{MLKEM512: mlkem512.Scheme(), MLKEM768: mlkem768.Scheme(), MLKEM1024: mlkem1024.Scheme()} {
		for i := range byte(8) {
			seed := bytes.Repeat([]byte{i, 7 * i}, SeedSize/2)
			ours, err := NewPrivateKey(p, seed)
			if err != nil {
				t.Fatal(err)
			}
			public, theirs := scheme.DeriveKeyPair(seed)
			if b, err := public.MarshalBinary(); err != nil || !bytes.Equal(b, ours.EncapsulationKey()) {
				t.Fatalf("%v: keys differ, %v", p, err)
			}
			c, want, err := scheme.EncapsulateDeterministically(public, bytes.Repeat([]byte{i}, 32))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := ours.Decapsulate(c); err != nil || !bytes.Equal(got[:], want) {
				t.Errorf("%v: secrets differ, %v", p, err)
			}
			c[int(i)*97%len(c)] ^= 1 << (i % 8)
			if want, err = scheme.Decapsulate(theirs, c); err != nil {
				t.Fatal(err)
			}
			if got, err := ours.Decapsulate(c); err != nil || !bytes.Equal(got[:], want) {
				t.Errorf("%v: secrets of a changed ciphertext differ, %v", p, err)
			}
		}
	}
}
