package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"clove.i2p/router/i2p"
)

// Prologues of what is signed in relay and peer test; they are not sent.
const (
	prologueRelayRequest  = "RelayRequestData"
	prologueRelayResponse = "RelayAgreementOK"
	prologuePeerTest      = "PeerTestValidate"
)

// nonceVersion is the version in relay and peer test blocks: of SSU, not of the handshake's Variant.
const nonceVersion = 2

// signed starts what is signed: prologue and hashes of routers.
func signed(prologue string, hashes ...i2p.Hash) []byte {
	b := make([]byte, 0, 160)
	b = append(b, prologue...)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

// AcceptCode is the code of an agreement; the others, 1 to 63 from Bob and from 64 on from Charlie, are refusals.
const AcceptCode = 0

// FromCharlie reports whether a refusal is Charlie's, who then signed it; Bob's are 1 to 63.
func FromCharlie(code byte) bool { return code >= 64 }

// Codes of refusal that PeerTest and RelayResponse share ("PeerTest", "RelayResponse"). 5 and below differ: see there.
const (
	CodeBobUnspecified         = 1
	CodeBobLimit               = 3
	CodeBobSignature           = 4
	CodeCharlieUnspecified     = 64
	CodeCharlieAddress         = 65 // address family not supported
	CodeCharlieLimit           = 66
	CodeCharlieSignature       = 67
	CodeCharlieAlreadyHasAlice = 68
	CodeCharlieBannedAlice     = 69
	CodeCharlieUnknownAlice    = 70
	CodeUnspecified            = 128

	PeerTestCodeNoCharlie  = 2
	PeerTestCodeBobAddress = 5

	RelayCodeCharlieBanned = 2
	RelayCodeTagNotFound   = 5
	RelayCodeUnknownAlice  = 6
)

// parseSizedEndpoint reads size 1 | endpoint, and returns what follows. Size 0, no endpoint, is for the caller to allow.
func parseSizedEndpoint(t BlockType, b []byte, none bool) (a netip.AddrPort, rest []byte, err error) {
	if len(b) == 0 || int(b[0]) > len(b)-1 {
		return a, nil, fmt.Errorf("%w: %v without its address", ErrMalformed, t)
	}
	n := int(b[0])
	if n == 0 && none {
		return a, b[1:], nil
	}
	if a, err = parseEndpoint(b[1 : 1+n]); err != nil {
		return a, nil, fmt.Errorf("%v: %w", t, err)
	}
	return a, b[1+n:], nil
}

func appendSizedEndpoint(dst []byte, a netip.AddrPort) []byte {
	return appendEndpoint(append(dst, byte(endpointLen(a))), a)
}

func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
