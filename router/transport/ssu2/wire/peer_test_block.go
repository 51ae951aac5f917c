package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// A PeerTest is one of the seven messages of a peer test ("PeerTest"): 1 to 4 in a session, 5 to 7 in PeerTest packets.
//
//	message 1 | code 1 | flag 1 | messages 2 and 4: router 32 | version 1 | nonce 4 | time 4 | size 1, Alice's endpoint | signature
//
// What is between router and signature is signed, by Alice in 1 and 2, by Charlie in 3 and 4, and Bob forwards it with the
// signature as it is. In 5 to 7 the signature may be missing. A refusal by Bob (message 4, router all zeros) has Alice's data and
// signature from i2pd: nothing to verify.
type PeerTest struct {
	Message   byte // 1 to 7
	Code      byte
	Flag      byte
	Router    i2p.Hash // message 2: Alice, message 4: Charlie; zero in the others
	Version   byte
	Nonce     uint32
	Time      uint32 // seconds
	Alice     netip.AddrPort
	Signature []byte
}

const (
	peerTestLen       = 3
	peerTestSignedLen = 1 + 4 + 4
)

// NewPeerTest makes message 1, signed by Alice.
func NewPeerTest(key keys.SigningPrivateKey, bob i2p.Hash, nonce, seconds uint32, alice netip.AddrPort) PeerTest {
	p := PeerTest{Message: 1, Version: nonceVersion, Nonce: nonce, Time: seconds, Alice: alice}
	p.Signature = key.Sign(p.appendSigned(signed(prologuePeerTest, bob)))
	return p
}

// Answer makes message 3, or 5, out of message 2: Charlie's signature over the same data and Alice's hash. i2pd keeps Alice's
// time stamp, and so it is here.
func (p *PeerTest) Answer(key keys.SigningPrivateKey, bob i2p.Hash, message, code byte) PeerTest {
	a := *p
	a.Message, a.Code, a.Flag, a.Router = message, code, 0, i2p.Hash{}
	a.Signature = key.Sign(a.appendSigned(signed(prologuePeerTest, bob, p.Router)))
	return a
}

// Forward makes Bob's message 2 (router: Alice) or 4 (router: Charlie, or zero in Bob's own refusal), signed as it came.
func (p *PeerTest) Forward(message, code byte, router i2p.Hash) PeerTest {
	f := *p
	f.Message, f.Code, f.Flag, f.Router = message, code, 0, router
	return f
}

// VerifyAlice reports whether Alice, with this key, asked this Bob: messages 1 and 2, and 6.
func (p *PeerTest) VerifyAlice(alice keys.SigningPublicKey, bob i2p.Hash) bool {
	return alice.Verify(p.appendSigned(signed(prologuePeerTest, bob)), p.Signature)
}

// VerifyCharlie reports whether Charlie, with this key, answered this Bob about this Alice: messages 3 and 4, 5 and 7.
func (p *PeerTest) VerifyCharlie(charlie keys.SigningPublicKey, bob, alice i2p.Hash) bool {
	return charlie.Verify(p.appendSigned(signed(prologuePeerTest, bob, alice)), p.Signature)
}

func (p *PeerTest) appendSigned(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, p.Version), p.Nonce)
	dst = binary.BigEndian.AppendUint32(dst, p.Time)
	return appendSizedEndpoint(dst, p.Alice)
}

func (p *PeerTest) hasRouter() bool { return p.Message == 2 || p.Message == 4 }

// Append appends the block.
func (p *PeerTest) Append(dst []byte) []byte {
	n := peerTestLen + peerTestSignedLen + 1 + endpointLen(p.Alice) + len(p.Signature)
	if p.hasRouter() {
		n += i2p.HashLen
	}
	dst = append(AppendBlockHeader(dst, BlockPeerTest, n), p.Message, p.Code, p.Flag)
	if p.hasRouter() {
		dst = append(dst, p.Router[:]...)
	}
	return append(p.appendSigned(dst), p.Signature...)
}

// ParsePeerTest reads the body of a PeerTest block. Signature aliases it.
func ParsePeerTest(body []byte) (p PeerTest, err error) {
	malformed := func() (PeerTest, error) {
		return PeerTest{}, fmt.Errorf("%w: PeerTest of %d bytes", ErrMalformed, len(body))
	}
	if len(body) < peerTestLen || body[0] < 1 || body[0] > 7 {
		return malformed()
	}
	p.Message, p.Code, p.Flag = body[0], body[1], body[2]
	rest := body[peerTestLen:]
	if p.hasRouter() {
		if len(rest) < i2p.HashLen {
			return malformed()
		}
		p.Router, rest = i2p.Hash(rest[:i2p.HashLen]), rest[i2p.HashLen:]
	}
	if len(rest) < peerTestSignedLen {
		return malformed()
	}
	p.Version, p.Nonce, p.Time = rest[0], be32(rest[1:]), be32(rest[5:])
	p.Alice, p.Signature, err = parseSizedEndpoint(BlockPeerTest, rest[peerTestSignedLen:], false)
	return p, err
}
