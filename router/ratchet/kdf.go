package ratchet

import "clove.i2p/router/crypto/noise"

const protocolName = "Noise_IKelg2+hs2_25519_ChaChaPoly_SHA256"

// Info strings of HKDF (1g, 4a-4c).
const (
	infoReplyTags   = "SessionReplyTags"
	infoReplyAttach = "AttachPayloadKDF"
	infoDHStep      = "KDFDHRatchetStep"
	infoTagAndKey   = "TagAndKeyGenKeys"
	infoTagInit     = "STInitialization"
	infoTag         = "SessionTagKeyGen"
	infoKey         = "SymmetricRatchet"
	infoNextTagSet  = "XDHRatchetTagSet"
)

// A chain is the pair of symmetric ratchets of one tag set, tags and keys, and the root of the next one.
type chain struct {
	nextRoot    [32]byte
	tagCK       [32]byte
	tagConstant [32]byte
	keyCK       [32]byte
	out         [32]byte // of the last nextTag; here so that it is not allocated
	tags, keys  int      // how many were derived
}

// newChain is DH_INITIALIZE(root, k) (4a).
func newChain(root, k *[32]byte) (c chain) {
	var ck, tagCK [32]byte
	noise.HKDF(root[:], k[:], infoDHStep, &c.nextRoot, &ck)
	noise.HKDF(ck[:], nil, infoTagAndKey, &tagCK, &c.keyCK)
	noise.HKDF(tagCK[:], nil, infoTagInit, &c.tagCK, &c.tagConstant)
	return c
}

// newReplyChain derives the tags of New Session Replies from the chain key after the New Session (1g).
func newReplyChain(ck [32]byte) chain {
	var k [32]byte
	noise.HKDF(ck[:], nil, infoReplyTags, &k)
	return newChain(&ck, &k)
}

// nextTag is RATCHET_TAG (4b).
func (c *chain) nextTag() Tag {
	noise.HKDF(c.tagCK[:], c.tagConstant[:], infoTag, &c.tagCK, &c.out)
	c.tags++
	return Tag(c.out[:TagLen])
}

// nextKey is RATCHET_KEY (4c).
func (c *chain) nextKey(out *[32]byte) {
	noise.HKDF(c.keyCK[:], nil, infoKey, &c.keyCK, out)
	c.keys++
}

// nextTagSetKey derives from a DH of NextKey blocks what newChain wants beside the root (4a, DH RATCHET KDF).
func nextTagSetKey(shared *[32]byte) (k [32]byte) {
	noise.HKDF(shared[:], nil, infoNextTagSet, &k)
	return k
}
