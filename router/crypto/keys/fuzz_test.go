package keys_test

import (
	"testing"

	"clove.i2p/router/crypto/keys"
)

func FuzzVerify(f *testing.F) {
	for _, v := range signatures {
		f.Add(uint16(v.t), unhex(f, v.public), unhex(f, v.msg), unhex(f, v.sig))
	}
	f.Add(uint16(9), []byte{}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, typ uint16, public, msg, sig []byte) {
		k := keys.SigningPublicKey{Type: keys.SigType(typ), Key: public}
		if k.Verify(msg, sig) && (len(sig) != k.Type.SignatureLen() || len(public) != k.Type.PublicKeyLen()) {
			t.Fatal("accepted with a wrong length")
		}
	})
}

func FuzzNewSigningPrivateKey(f *testing.F) {
	for _, v := range signatures {
		f.Add(uint16(v.t), unhex(f, v.private))
	}
	f.Fuzz(func(t *testing.T, typ uint16, raw []byte) {
		k, err := keys.NewSigningPrivateKey(keys.SigType(typ), raw)
		if err == nil && !k.Public().Verify([]byte("x"), k.Sign([]byte("x"))) {
			t.Fatal("own signature refused")
		}
	})
}
