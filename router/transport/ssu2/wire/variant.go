package wire

import "fmt"

// A Variant is how keys are agreed on: X25519 alone, or with ML-KEM beside it (proposal 169, "SSU2 Hybrid"). SessionRequest,
// SessionCreated, TokenRequest and Retry say it in the version field of the long header; a Retry that refuses may have any, and
// PeerTest and HolePunch have 2, and are taken with any. The versions in relay and peer test blocks stay 2.
type Variant uint8

// Variants. There is none with ML-KEM-1024, whose messages do not fit into a packet.
const (
	Plain Variant = iota
	MLKEM512
	MLKEM768
)

// Version is the version field of a long header: 2, 3, 4.
func (v Variant) Version() byte { return 2 + byte(v) }

// VariantOf is the variant of a version field.
func VariantOf(version byte) (Variant, bool) {
	v := Variant(version - 2)
	return v, version >= 2 && v <= MLKEM768
}

func (v Variant) String() string {
	switch v {
	case Plain:
		return "X25519"
	case MLKEM512:
		return "MLKEM512_X25519"
	case MLKEM768:
		return "MLKEM768_X25519"
	}
	return fmt.Sprintf("Variant(%d)", uint8(v))
}

// protocol is the Noise protocol name.
func (v Variant) protocol() string {
	switch v {
	case MLKEM512:
		return "Noise_XKhfschaobfse+hs1+hs2+hs3_25519+MLKEM512_ChaChaPoly_SHA256"
	case MLKEM768:
		return "Noise_XKhfschaobfse+hs1+hs2+hs3_25519+MLKEM768_ChaChaPoly_SHA256"
	}
	return "Noise_XKchaobfse+hs1+hs2+hs3_25519_ChaChaPoly_SHA256"
}

// keyLen and ciphertextLen are what the variant adds to SessionRequest and SessionCreated, without tags.
func (v Variant) keyLen() int        { return [...]int{0, 800, 1184}[v] }
func (v Variant) ciphertextLen() int { return [...]int{0, 768, 1088}[v] }

func withTag(n int) int {
	if n == 0 {
		return 0
	}
	return n + TagLen
}

// RequestOverhead is how many bytes a SessionRequest has around its payload: 80, 896 or 1280.
func (v Variant) RequestOverhead() int { return LongHeaderLen + KeyLen + withTag(v.keyLen()) + TagLen }

// CreatedOverhead is how many bytes a SessionCreated has around its payload: 80, 864 or 1184.
func (v Variant) CreatedOverhead() int {
	return LongHeaderLen + KeyLen + withTag(v.ciphertextLen()) + TagLen
}

// MinMTU is the smallest MTU, with IP and UDP headers, that a SessionRequest with the smallest payload there is, 10 bytes, fits
// into: 1318 or 1338 for MLKEM768, below the smallest MTU of SSU2 for the others. MLKEM768 is neither published nor used on paths
// with less.
func (v Variant) MinMTU(ipv6 bool) int {
	headers := 20 + 8
	if ipv6 {
		headers = 40 + 8
	}
	return max(MinMTU, v.RequestOverhead()+minRequestPayload+headers)
}

// ConfirmedOverhead is what a SessionConfirmed of one packet has around its payload.
const ConfirmedOverhead = ShortHeaderLen + confirmedStaticLen + TagLen

// confirmedStaticLen is the sealed static key.
const confirmedStaticLen = KeyLen + TagLen
