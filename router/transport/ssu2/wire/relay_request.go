package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// A RelayRequest asks Bob to introduce Alice to Charlie ("RelayRequest"):
//
//	flag 1 | nonce 4 | relay tag 4 | time 4 | version 1 | size 1, Alice's endpoint | signature
//
// What is between flag and signature is signed by Alice, and Bob forwards it with the signature in a RelayIntro as it is.
type RelayRequest struct {
	Flag      byte
	Nonce     uint32
	Tag       uint32 // from Charlie's RouterInfo
	Time      uint32 // seconds
	Version   byte   // 2
	Alice     netip.AddrPort
	Signature []byte
}

const relayRequestLen = 4 + 4 + 4 + 1

// NewRelayRequest makes a signed request.
func NewRelayRequest(key keys.SigningPrivateKey, bob, charlie i2p.Hash, nonce, tag, seconds uint32, alice netip.AddrPort) RelayRequest {
	r := RelayRequest{Nonce: nonce, Tag: tag, Time: seconds, Version: nonceVersion, Alice: alice}
	r.Signature = key.Sign(r.appendSigned(signed(prologueRelayRequest, bob, charlie)))
	return r
}

// Verify reports whether Alice, with this signing key, asked this Bob for this Charlie.
func (r *RelayRequest) Verify(alice keys.SigningPublicKey, bob, charlie i2p.Hash) bool {
	return alice.Verify(r.appendSigned(signed(prologueRelayRequest, bob, charlie)), r.Signature)
}

func (r *RelayRequest) appendSigned(dst []byte) []byte {
	for _, v := range [...]uint32{r.Nonce, r.Tag, r.Time} {
		dst = binary.BigEndian.AppendUint32(dst, v)
	}
	return appendSizedEndpoint(append(dst, r.Version), r.Alice)
}

func (r *RelayRequest) bodyLen() int {
	return relayRequestLen + 1 + endpointLen(r.Alice) + len(r.Signature)
}

// Append appends the block.
func (r *RelayRequest) Append(dst []byte) []byte {
	dst = append(AppendBlockHeader(dst, BlockRelayRequest, 1+r.bodyLen()), r.Flag)
	return append(r.appendSigned(dst), r.Signature...)
}

// ParseRelayRequest reads the body of a RelayRequest block. Signature aliases it.
func ParseRelayRequest(body []byte) (r RelayRequest, err error) {
	if len(body) < 1 {
		return r, fmt.Errorf("%w: empty RelayRequest", ErrMalformed)
	}
	r.Flag = body[0]
	err = r.parseSigned(BlockRelayRequest, body[1:])
	return r, err
}

func (r *RelayRequest) parseSigned(t BlockType, b []byte) (err error) {
	if len(b) < relayRequestLen {
		return fmt.Errorf("%w: %v of %d bytes", ErrMalformed, t, len(b))
	}
	r.Nonce, r.Tag, r.Time, r.Version = be32(b), be32(b[4:]), be32(b[8:]), b[12]
	r.Alice, r.Signature, err = parseSizedEndpoint(t, b[relayRequestLen:], false)
	return err
}

// A RelayIntro is a RelayRequest as Bob forwards it to Charlie, with Alice's hash ("RelayIntro"):
//
//	flag 1 | Alice 32 | RelayRequest without its flag
//
// Alice's RouterInfo goes before it, in the same packet or an earlier one.
type RelayIntro struct {
	Flag    byte
	From    i2p.Hash // Alice
	Request RelayRequest
}

// Append appends the block. The flag of the request is not sent.
func (r *RelayIntro) Append(dst []byte) []byte {
	dst = append(AppendBlockHeader(dst, BlockRelayIntro, 1+i2p.HashLen+r.Request.bodyLen()), r.Flag)
	dst = append(dst, r.From[:]...)
	return append(r.Request.appendSigned(dst), r.Request.Signature...)
}

// ParseRelayIntro reads the body of a RelayIntro block. The signature aliases it.
func ParseRelayIntro(body []byte) (r RelayIntro, err error) {
	if len(body) < 1+i2p.HashLen {
		return r, fmt.Errorf("%w: RelayIntro of %d bytes", ErrMalformed, len(body))
	}
	r.Flag, r.From = body[0], i2p.Hash(body[1:1+i2p.HashLen])
	err = r.Request.parseSigned(BlockRelayIntro, body[1+i2p.HashLen:])
	return r, err
}
