package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// A RelayResponse is Charlie's or Bob's answer to a relay ("RelayResponse"), in a session and in HolePunch:
//
//	flag 1 | code 1 | nonce 4 | time 4 | version 1 | size 1, Charlie's endpoint | signature | accepted: token 8
//
// The signature covers nonce to endpoint; it is Charlie's, or Bob's for codes 1 to 63. The specification contradicts itself about
// refusals (all after the nonce absent, or a size of 0 and a signature); i2pd always signs them. Made here: with everything.
// Taken: both.
type RelayResponse struct {
	Flag      byte
	Code      byte
	Nonce     uint32
	Time      uint32 // seconds
	Version   byte
	Charlie   netip.AddrPort // not valid: none, in refusals
	Signature []byte         // empty: none, in refusals
	Token     Token          // for Alice's SessionRequest to Charlie, if accepted
}

const (
	relayResponseLen      = 1 + 1 + 4 + 4 + 1
	relayResponseShortLen = 1 + 1 + 4
)

// NewRelayResponse makes a signed answer: by Charlie, or by Bob if the code is one of his. charlie and token are for AcceptCode
// only.
func NewRelayResponse(
	key keys.SigningPrivateKey, bob i2p.Hash, code byte, nonce, seconds uint32, charlie netip.AddrPort, token Token,
) RelayResponse {
	r := RelayResponse{Code: code, Nonce: nonce, Time: seconds, Version: nonceVersion}
	if code == AcceptCode {
		r.Charlie, r.Token = charlie, token
	}
	r.Signature = key.Sign(r.appendSigned(signed(prologueRelayResponse, bob)))
	return r
}

// Verify reports whether the answer is signed by the router with this key, about this Bob.
func (r *RelayResponse) Verify(signer keys.SigningPublicKey, bob i2p.Hash) bool {
	return signer.Verify(r.appendSigned(signed(prologueRelayResponse, bob)), r.Signature)
}

func (r *RelayResponse) appendSigned(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, r.Nonce)
	dst = binary.BigEndian.AppendUint32(dst, r.Time)
	return appendSizedEndpoint(append(dst, r.Version), r.Charlie)
}

// Append appends the block.
func (r *RelayResponse) Append(dst []byte) []byte {
	n := relayResponseLen + 1 + endpointLen(r.Charlie) + len(r.Signature)
	if r.Code == AcceptCode {
		n += 8
	}
	dst = append(AppendBlockHeader(dst, BlockRelayResponse, n), r.Flag, r.Code)
	dst = append(r.appendSigned(dst), r.Signature...)
	if r.Code == AcceptCode {
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.Token))
	}
	return dst
}

// ParseRelayResponse reads the body of a RelayResponse block. Signature aliases it.
func ParseRelayResponse(body []byte) (r RelayResponse, err error) {
	if len(body) < relayResponseShortLen {
		return r, fmt.Errorf("%w: RelayResponse of %d bytes", ErrMalformed, len(body))
	}
	r.Flag, r.Code, r.Nonce = body[0], body[1], be32(body[2:])
	if len(body) == relayResponseShortLen && r.Code != AcceptCode {
		return r, nil
	}
	if len(body) < relayResponseLen {
		return r, fmt.Errorf("%w: RelayResponse of %d bytes", ErrMalformed, len(body))
	}
	r.Time, r.Version = be32(body[6:]), body[10]
	rest := body[relayResponseLen:]
	if r.Charlie, rest, err = parseSizedEndpoint(BlockRelayResponse, rest, r.Code != AcceptCode); err != nil {
		return r, err
	}
	if r.Code == AcceptCode {
		if len(rest) < 8 {
			return r, fmt.Errorf("%w: RelayResponse without a token", ErrMalformed)
		}
		r.Token = Token(binary.BigEndian.Uint64(rest[len(rest)-8:]))
		rest = rest[:len(rest)-8]
	}
	r.Signature = rest
	return r, nil
}
