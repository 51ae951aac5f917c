package keys

import (
	"crypto/dsa" //nolint:staticcheck // type 0 still exists in the network and can only be verified, never made, here
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"

	"clove.i2p/router/crypto/reddsa"
)

// A SigningPublicKey is a public key with its type. Key is not copied.
type SigningPublicKey struct {
	Type SigType
	Key  []byte
}

// Verify reports whether sig is a signature of msg by this key. An unknown type, a key that is not valid and a wrong
// length are false.
func (k SigningPublicKey) Verify(msg, sig []byte) bool {
	if !k.Type.Known() || len(k.Key) != k.Type.PublicKeyLen() || len(sig) != k.Type.SignatureLen() {
		return false
	}
	switch k.Type {
	case SigEd25519:
		return ed25519.Verify(k.Key, msg, sig)
	case SigRed25519:
		return reddsa.Verify(k.Key, msg, sig)
	case SigDSASHA1:
		return verifyDSA(k.Key, msg, sig)
	}
	curve, digest := ecdsaParts(k.Type, msg)
	public, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{4}, k.Key...))
	if err != nil {
		return false
	}
	r, s := halves(sig)
	return ecdsa.Verify(public, digest, r, s)
}

// ecdsaParts returns the curve of an ECDSA type and the digest of msg with the hash of that type.
func ecdsaParts(t SigType, msg []byte) (elliptic.Curve, []byte) {
	switch t {
	case SigECDSAP256:
		d := sha256.Sum256(msg)
		return elliptic.P256(), d[:]
	case SigECDSAP384:
		d := sha512.Sum384(msg)
		return elliptic.P384(), d[:]
	case SigECDSAP521:
		d := sha512.Sum512(msg)
		return elliptic.P521(), d[:]
	}
	panic("keys: not an ECDSA type")
}

// dsaGroup is the one group of I2P's DSA (specification "Cryptography", section DSA).
var dsaGroup = dsa.Parameters{
	P: number("9C05B2AA960D9B97B8931963C9CC9E8C3026E9B8ED92FAD0" +
		"A69CC886D5BF8015FCADAE31A0AD18FAB3F01B00A358DE23" +
		"7655C4964AFAA2B337E96AD316B9FB1CC564B5AEC5B69A9F" +
		"F6C3E4548707FEF8503D91DD8602E867E6D35D2235C1869C" +
		"E2479C3B9D5401DE04E0727FB33D6511285D4CF29538D9E3" +
		"B6051F5B22CC1C93"),
	Q: number("A5DFC28FEF4CA1E286744CD8EED9D29D684046B7"),
	G: number("0C1F4D27D40093B429E962D7223824E0BBC47E7C832A3923" +
		"6FC683AF84889581075FF9082ED32353D4374D7301CDA1D2" +
		"3C431F4698599DDA02451824FF369752593647CC3DDC197D" +
		"E985E43D136CDCFC6BD5409CD2F450821142A5E6F8EB1C3A" +
		"B5D0484B8129FCF17BCE4F7F33321C3CB3DBB14A905E7B2B" +
		"3E93BE4708CBCC82"),
}

func verifyDSA(key, msg, sig []byte) bool {
	y := new(big.Int).SetBytes(key)
	if y.Cmp(big.NewInt(1)) <= 0 || y.Cmp(dsaGroup.P) >= 0 {
		return false
	}
	d := sha1.Sum(msg)
	r, s := halves(sig)
	return dsa.Verify(&dsa.PublicKey{Parameters: dsaGroup, Y: y}, d[:], r, s)
}

func halves(sig []byte) (r, s *big.Int) {
	n := len(sig) / 2
	return new(big.Int).SetBytes(sig[:n]), new(big.Int).SetBytes(sig[n:])
}

func number(hex string) *big.Int {
	n, ok := new(big.Int).SetString(hex, 16)
	if !ok {
		panic("keys: constant")
	}
	return n
}
