package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2p"
)

// i2pd has the first two steps of each protocol name as constants: the hash of the name, and its hash.
func TestProtocolNamesAreThoseOfI2pd(t *testing.T) {
	for v, want := range map[Variant][2]string{
		MLKEM512: {"1622454dbea3f77bcf5a0b60f856e054a67972742ab71adf39387d35f8904168", "b184af89b5d27fbda462be35a4c01777fb70c7392872cf744abf3cc5b86cafcf"},
		MLKEM768: {"06458d7f4a0e53d37bdbbb747799a104c752000be0d12a83037be3d1db77f290", "d6ae2015445f61a5a7e287cf64e00ccc97ebea1c5dd08c26343206f55e28ad12"},
	} {
		s := noise.New(v.protocol())
		ck := s.ChainKey()
		s.MixHash(nil)
		h := s.Hash()
		if hex.EncodeToString(ck[:]) != want[0] || hex.EncodeToString(h[:]) != want[1] {
			t.Errorf("%v: %x %x", v, ck, h)
		}
	}
}

// The hybrid variants mix the hash of Bob's router after his static key, and the plain one does not.
func TestRouterHashIsMixedAfterTheStaticKey(t *testing.T) {
	static, bob := keys.X25519Public{1}, i2p.Hash{2}
	for _, v := range []Variant{Plain, MLKEM512, MLKEM768} {
		name := sha256.Sum256([]byte(v.protocol()))
		h := sha256.Sum256(name[:])
		h = sha256.Sum256(append(h[:], static[:]...))
		if v != Plain {
			h = sha256.Sum256(append(h[:], bob[:]...))
		}
		if s := newNoise(v, static, bob); s.Hash() != h || s.ChainKey() != name {
			t.Errorf("%v: %x, not %x", v, s.Hash(), h)
		}
	}
}

// requestWith is a SessionRequest with any X and any encapsulation key, sealed as it should be.
func requestWith(v Variant, c ResponderConfig, x keys.X25519Public, secret [32]byte, encapsulation []byte) []byte {
	h := Header{DestID: 1, SrcID: 2, Type: SessionRequest, Version: v.Version(), NetworkID: c.NetworkID}
	s := newNoise(v, c.Static.Public(), c.Hash)
	packet := startMessage(&s, h, x, 2000)
	s.MixKey(secret[:])
	if encapsulation != nil {
		packet = s.EncryptAndHash(packet, encapsulation)
	}
	packet = s.EncryptAndHash(packet, AppendPadding(nil, 20))
	k := NewHeaderKey(c.Intro)
	protect(packet, k, k, 48)
	return packet
}

func TestKeysThatAreNoneAreRefused(t *testing.T) {
	c := ResponderConfig{NetworkID: 2, Static: keys.NewX25519([32]byte{1}), MLKEM512: true, MLKEM768: true}
	e := keys.NewX25519([32]byte{2})
	secret, err := e.DH(c.Static.Public())
	if err != nil {
		t.Fatal(err)
	}
	// Of low order: everybody knows the secret, which is zero.
	low := requestWith(Plain, c, keys.X25519Public{}, [32]byte{}, nil)
	if _, _, err := NewResponder(c).OpenRequest(low); err == nil || errors.Is(err, ErrAuthentication) {
		t.Errorf("X of low order: %v", err)
	}
	for v, n := range map[Variant]int{MLKEM512: 800, MLKEM768: 1184} {
		above := requestWith(v, c, e.Public(), secret, bytes.Repeat([]byte{0xff}, n))
		if _, _, err := NewResponder(c).OpenRequest(above); !errors.Is(err, mlkem.ErrEncapsulationKey) {
			t.Errorf("%v, coefficients above the modulus: %v", v, err)
		}
		good := requestWith(v, c, e.Public(), secret, make([]byte, n)) // zeros are below it
		if _, _, err := NewResponder(c).OpenRequest(good); err != nil {
			t.Errorf("%v, the same with zeros: %v", v, err)
		}
	}
	i, err := NewInitiator(InitiatorConfig{SrcID: 1, Static: e})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Request(1, AppendPadding(nil, 20)); err == nil {
		t.Error("static key of low order taken")
	}
}

func TestInitiatorNeedsTwoIDsAndAVariant(t *testing.T) {
	if _, err := NewInitiator(InitiatorConfig{SrcID: 5, DestID: 5}); !errors.Is(err, ErrConnectionID) {
		t.Error(err)
	}
	if _, err := NewInitiator(InitiatorConfig{SrcID: 5, Variant: 3}); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}
