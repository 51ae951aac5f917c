package keys

import "strconv"

// A SigType is a signature type number, 2 bytes on the wire (specification "Common Structures", KeyCertificate).
type SigType uint16

// Signature types that a Destination, a RouterIdentity or a transient key may have.
const (
	SigDSASHA1   SigType = 0
	SigECDSAP256 SigType = 1
	SigECDSAP384 SigType = 2
	SigECDSAP521 SigType = 3
	SigEd25519   SigType = 7
	SigRed25519  SigType = 11
)

type sigLengths struct {
	name                       string
	public, private, signature int
}

var sigTypes = map[SigType]sigLengths{
	SigDSASHA1:   {"DSA_SHA1", 128, 20, 40},
	SigECDSAP256: {"ECDSA_SHA256_P256", 64, 32, 64},
	SigECDSAP384: {"ECDSA_SHA384_P384", 96, 48, 96},
	SigECDSAP521: {"ECDSA_SHA512_P521", 132, 66, 132},
	SigEd25519:   {"EdDSA_SHA512_Ed25519", 32, 32, 64},
	SigRed25519:  {"RedDSA_SHA512_Ed25519", 32, 32, 64},
}

// Known reports whether signatures of this type can be verified here.
func (t SigType) Known() bool { _, ok := sigTypes[t]; return ok }

// PublicKeyLen is the length of a signing public key in bytes, 0 for an unknown type.
func (t SigType) PublicKeyLen() int { return sigTypes[t].public }

// PrivateKeyLen is the length of a signing private key in bytes, 0 for an unknown type.
func (t SigType) PrivateKeyLen() int { return sigTypes[t].private }

// SignatureLen is the length of a signature in bytes, 0 for an unknown type.
func (t SigType) SignatureLen() int { return sigTypes[t].signature }

func (t SigType) String() string {
	if s, ok := sigTypes[t]; ok {
		return s.name
	}
	return "SigType(" + strconv.Itoa(int(t)) + ")"
}

// An EncType is an encryption type number, 2 bytes on the wire.
type EncType uint16

// Encryption types. The ML-KEM hybrids exist in LeaseSets only; their public key there is the X25519 part, the
// ML-KEM key is made for each session (specification "ECIES-X25519-AEAD-Ratchet Hybrid").
const (
	EncElGamal   EncType = 0
	EncX25519    EncType = 4
	EncMLKEM512  EncType = 5
	EncMLKEM768  EncType = 6
	EncMLKEM1024 EncType = 7
)

// PublicKeyLen is the length of the public key in bytes, 0 for an unknown type.
func (t EncType) PublicKeyLen() int {
	switch t {
	case EncElGamal:
		return 256
	case EncX25519, EncMLKEM512, EncMLKEM768, EncMLKEM1024:
		return X25519Len
	}
	return 0
}

func (t EncType) String() string {
	switch t {
	case EncElGamal:
		return "ElGamal"
	case EncX25519:
		return "ECIES_X25519"
	case EncMLKEM512:
		return "MLKEM512_X25519"
	case EncMLKEM768:
		return "MLKEM768_X25519"
	case EncMLKEM1024:
		return "MLKEM1024_X25519"
	}
	return "EncType(" + strconv.Itoa(int(t)) + ")"
}
