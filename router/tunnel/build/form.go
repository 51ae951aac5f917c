package build

import (
	"crypto/aes"
	"crypto/cipher"

	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2np"
)

// A record, of either form, before and after the hop:
//
//	request: first half of the hop's hash 16 | ephemeral key 32 | encrypted request | tag 16
//	reply:   encrypted reply | tag 16
const (
	prefixLen = 16
	keyLen    = 32
	sealedAt  = prefixLen + keyLen
)

// form is what differs between short and long records, in bytes.
type form struct {
	long                bool
	record              int // encrypted
	clear               int // request
	reply               int // reply, the verdict in its last byte
	layerEncryption     int // offset of that byte, 0 if none
	flags, time         int // offsets in the request
	options             int
	request, replyTo    i2np.Type
	layerKey, ivKey     int // offsets of keys, long form only
	replyKey, replyIVAt int
}

var (
	shortForm = &form{
		record: i2np.ShortRecordLen, clear: 154, reply: 202,
		flags: 40, layerEncryption: 43, time: 44, options: 56,
		request: i2np.TypeShortTunnelBuild, replyTo: i2np.TypeOutboundTunnelBuildReply,
	}
	longForm = &form{
		long: true, record: i2np.LongRecordLen, clear: 464, reply: 512,
		layerKey: 40, ivKey: 72, replyKey: 104, replyIVAt: 136,
		flags: 152, time: 156, options: 168,
		request: i2np.TypeVariableTunnelBuild, replyTo: i2np.TypeVariableTunnelBuildReply,
	}
)

// at lends record i.
func (f *form) at(records []byte, i int) []byte {
	return records[i*f.record : (i+1)*f.record : (i+1)*f.record]
}

// hopKeys are the keys that creator and hop share.
type hopKeys struct {
	transcript [32]byte // h after the request: associated data of the reply
	reply      [32]byte // of the hop's own reply
	cover      [32]byte // of the other records
	coverIV    [16]byte // long form
	layer, iv  [32]byte
	garlic     [32]byte // short form, outbound endpoint: what the reply is wrapped with
	garlicTag  [8]byte
}

// deriveShort takes the keys from the Noise state after the request (specification, section "KDF").
func deriveShort(s *noise.Symmetric, endpoint bool) (k hopKeys) {
	k.transcript = s.Hash()
	ck := s.ChainKey()
	noise.HKDF(ck[:], nil, "SMTunnelReplyKey", &ck, &k.reply)
	k.cover = k.reply
	noise.HKDF(ck[:], nil, "SMTunnelLayerKey", &ck, &k.layer)
	if !endpoint {
		k.iv = ck
		return k
	}
	noise.HKDF(ck[:], nil, "TunnelLayerIVKey", &ck, &k.iv)
	noise.HKDF(ck[:], nil, "RGarlicKeyAndTag", &ck, &k.garlic)
	copy(k.garlicTag[:], ck[:])
	return k
}

// deriveLong takes the keys out of the request; only that of the reply comes from the Noise state.
func deriveLong(s *noise.Symmetric, clear []byte) (k hopKeys) {
	k.transcript = s.Hash()
	k.reply = s.ChainKey()
	copy(k.layer[:], clear[longForm.layerKey:])
	copy(k.iv[:], clear[longForm.ivKey:])
	copy(k.cover[:], clear[longForm.replyKey:])
	copy(k.coverIV[:], clear[longForm.replyIVAt:])
	return k
}

func (f *form) derive(s *noise.Symmetric, clear []byte, endpoint bool) hopKeys {
	if f.long {
		return deriveLong(s, clear)
	}
	return deriveShort(s, endpoint)
}

// replyNonce is the nonce of the reply in record i.
func (f *form) replyNonce(i int) uint64 {
	if f.long {
		return 0
	}
	return uint64(i)
}

// A layering encrypts or, for the creator, decrypts records with the cover key of one hop.
type layering struct {
	form *form
	keys *hopKeys
	aes  cipher.Block
}

func newLayering(f *form, k *hopKeys) layering {
	l := layering{form: f, keys: k}
	if f.long {
		var err error
		if l.aes, err = aes.NewCipher(k.cover[:]); err != nil {
			panic("build: 32-byte key refused")
		}
	}
	return l
}

// encrypt is what the hop does to record i.
func (l layering) encrypt(records []byte, i int) { l.apply(records, i, cipher.NewCBCEncrypter) }

// decrypt undoes encrypt.
func (l layering) decrypt(records []byte, i int) { l.apply(records, i, cipher.NewCBCDecrypter) }

func (l layering) apply(records []byte, i int, mode func(cipher.Block, []byte) cipher.BlockMode) {
	rec := l.form.at(records, i)
	if l.form.long {
		mode(l.aes, l.keys.coverIV[:]).CryptBlocks(rec, rec)
		return
	}
	nonce := noise.Nonce(uint64(i))
	noise.ChaCha20(rec, rec, &l.keys.cover, &nonce)
}

// initial is the Noise N state for a hop with this static key, before the ephemeral key.
func initial(static []byte) noise.Symmetric {
	s := noise.New("Noise_N_25519_ChaChaPoly_SHA256")
	s.MixHash(nil)
	s.MixHash(static)
	return s
}
