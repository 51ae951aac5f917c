package mlkem_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"clove.i2p/router/crypto/mlkem"
)

var sizes = []mlkem.Params{mlkem.MLKEM512, mlkem.MLKEM768, mlkem.MLKEM1024}

func TestBothSidesShareASecret(t *testing.T) {
	for _, p := range sizes {
		k, err := mlkem.GenerateKey(p)
		if err != nil {
			t.Fatal(err)
		}
		if k.Params() != p || len(k.EncapsulationKey()) != p.EncapsulationKeySize() {
			t.Errorf("%v: a key of %v, %d bytes", p, k.Params(), len(k.EncapsulationKey()))
		}
		secret, ciphertext, err := mlkem.Encapsulate(p, k.EncapsulationKey())
		if err != nil || len(ciphertext) != p.CiphertextSize() {
			t.Fatalf("%v: %d bytes, %v", p, len(ciphertext), err)
		}
		if got, err := k.Decapsulate(ciphertext); err != nil || got != secret {
			t.Errorf("%v: secrets differ, %v", p, err)
		}
		again, ciphertext2, err := mlkem.Encapsulate(p, k.EncapsulationKey())
		if err != nil || again == secret || bytes.Equal(ciphertext, ciphertext2) {
			t.Errorf("%v: the same secret twice, %v", p, err)
		}
		ciphertext[17] ^= 4
		if got, err := k.Decapsulate(ciphertext); err != nil || got == secret {
			t.Errorf("%v: a changed ciphertext gave the secret, %v", p, err)
		}
		other, err := mlkem.GenerateKey(p)
		if err != nil || bytes.Equal(other.EncapsulationKey(), k.EncapsulationKey()) {
			t.Errorf("%v: the same key twice, %v", p, err)
		}
		if got, err := other.Decapsulate(ciphertext2); err != nil || got == again {
			t.Errorf("%v: another key gave the secret, %v", p, err)
		}
	}
}

// The sizes of FIPS 203, table 3.
func TestSizes(t *testing.T) {
	for p, want := range map[mlkem.Params][2]int{512: {800, 768}, 768: {1184, 1088}, 1024: {1568, 1568}, 0: {0, 0}, 511: {0, 0}} {
		if p.EncapsulationKeySize() != want[0] || p.CiphertextSize() != want[1] || p.Valid() != (want[0] > 0) {
			t.Errorf("%v: %d and %d bytes", p, p.EncapsulationKeySize(), p.CiphertextSize())
		}
	}
}

func TestLengthsAreChecked(t *testing.T) {
	for _, p := range sizes {
		k, err := mlkem.GenerateKey(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, p.CiphertextSize() - 1, p.CiphertextSize() + 1} {
			if _, err := k.Decapsulate(make([]byte, n)); !errors.Is(err, mlkem.ErrCiphertext) {
				t.Errorf("%v: ciphertext of %d bytes: %v", p, n, err)
			}
		}
		for _, n := range []int{0, 1, p.EncapsulationKeySize() - 1, p.EncapsulationKeySize() + 1} {
			if _, _, err := mlkem.Encapsulate(p, make([]byte, n)); !errors.Is(err, mlkem.ErrEncapsulationKey) {
				t.Errorf("%v: key of %d bytes: %v", p, n, err)
			}
			if err := mlkem.Check(p, make([]byte, n)); !errors.Is(err, mlkem.ErrEncapsulationKey) {
				t.Errorf("%v: check of %d bytes: %v", p, n, err)
			}
		}
		for _, n := range []int{0, 32, 63, 65} {
			if _, err := mlkem.NewPrivateKey(p, make([]byte, n)); !errors.Is(err, mlkem.ErrSeed) {
				t.Errorf("%v: seed of %d bytes: %v", p, n, err)
			}
		}
	}
	for _, p := range []mlkem.Params{0, 1, 513} {
		_, err1 := mlkem.GenerateKey(p)
		_, _, err2 := mlkem.Encapsulate(p, make([]byte, 800))
		for _, err := range []error{err1, err2, mlkem.Check(p, make([]byte, 800))} {
			if !errors.Is(err, mlkem.ErrParams) {
				t.Errorf("%d: %v", p, err)
			}
		}
	}
}

// A coefficient of 12 bits may be 3328 at most (FIPS 203 section 7.2): each of them is checked, first, last and between.
func TestModulusOfKeysIsChecked(t *testing.T) {
	for _, p := range sizes {
		k, err := mlkem.GenerateKey(p)
		if err != nil {
			t.Fatal(err)
		}
		coefficients := (p.EncapsulationKeySize() - 32) * 2 / 3
		for _, at := range []int{0, 1, 255, 256, coefficients / 2, coefficients - 2, coefficients - 1} {
			for value, ok := range map[uint16]bool{0: true, 3328: true, 3329: false, 4095: false} {
				key := bytes.Clone(k.EncapsulationKey())
				b := key[at/2*3:]
				if at%2 == 0 {
					b[0], b[1] = byte(value), b[1]&0xf0|byte(value>>8)
				} else {
					b[1], b[2] = b[1]&0x0f|byte(value<<4), byte(value>>4)
				}
				_, _, err := mlkem.Encapsulate(p, key)
				if (err == nil) != ok || err != nil && !errors.Is(err, mlkem.ErrEncapsulationKey) {
					t.Errorf("%v: coefficient %d = %d: %v", p, at, value, err)
				}
				if (mlkem.Check(p, key) == nil) != ok {
					t.Errorf("%v: coefficient %d = %d passes or fails the check", p, at, value)
				}
			}
		}
	}
}

func TestPrivateKeyDoesNotPrint(t *testing.T) {
	k, err := mlkem.NewPrivateKey(mlkem.MLKEM768, bytes.Repeat([]byte{0xab}, mlkem.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, k); strings.Contains(s, "171") || strings.Contains(s, "ab ab") || len(s) > 40 {
			t.Errorf("%s: %.60s", format, s)
		}
	}
}

func FuzzEncapsulate(f *testing.F) {
	for _, p := range sizes {
		f.Add(uint16(p), bytes.Repeat([]byte{0xff}, p.EncapsulationKeySize()))
		f.Add(uint16(p), make([]byte, p.EncapsulationKeySize()))
		f.Add(uint16(p), make([]byte, 3))
	}
	f.Fuzz(func(t *testing.T, p uint16, key []byte) {
		_, ciphertext, err := mlkem.Encapsulate(mlkem.Params(p), key)
		if (err == nil) != (mlkem.Check(mlkem.Params(p), key) == nil) {
			t.Fatalf("Encapsulate: %v, Check differs", err)
		}
		if err == nil && len(ciphertext) != mlkem.Params(p).CiphertextSize() {
			t.Fatalf("%d bytes", len(ciphertext))
		}
	})
}

func FuzzDecapsulate(f *testing.F) {
	var keys []*mlkem.PrivateKey
	for _, p := range sizes {
		k, err := mlkem.NewPrivateKey(p, make([]byte, mlkem.SeedSize))
		if err != nil {
			f.Fatal(err)
		}
		keys = append(keys, k)
		f.Add(make([]byte, p.CiphertextSize()))
	}
	f.Fuzz(func(t *testing.T, ciphertext []byte) {
		for _, k := range keys {
			_, err := k.Decapsulate(ciphertext)
			if (err == nil) != (len(ciphertext) == k.Params().CiphertextSize()) {
				t.Fatalf("%v: %v", k.Params(), err)
			}
		}
	})
}

func BenchmarkKEM(b *testing.B) {
	for _, p := range sizes {
		k, err := mlkem.GenerateKey(p)
		if err != nil {
			b.Fatal(err)
		}
		_, ciphertext, err := mlkem.Encapsulate(p, k.EncapsulationKey())
		if err != nil {
			b.Fatal(err)
		}
		for name, f := range map[string]func() error{
			"generate":    func() error { _, err := mlkem.GenerateKey(p); return err },
			"encapsulate": func() error { _, _, err := mlkem.Encapsulate(p, k.EncapsulationKey()); return err },
			"decapsulate": func() error { _, err := k.Decapsulate(ciphertext); return err },
		} {
			b.Run(fmt.Sprintf("%v/%s", p, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
