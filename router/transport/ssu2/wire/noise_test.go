package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"clove.i2p/router/crypto/keys"
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
