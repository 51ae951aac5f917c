package ntcp2

import (
	"crypto/aes"
	"crypto/cipher"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// An obfuscator hides the ephemeral keys X and Y from machines that do not know the responder's hash and IV: one
// AES-256-CBC chain over both, whose key is the hash ("SessionRequest", "SessionCreated").
type obfuscator struct {
	block cipher.Block
	iv    [aes.BlockSize]byte
}

func newObfuscator(responder i2p.Hash, iv [16]byte) obfuscator {
	block, err := aes.NewCipher(responder[:])
	if err != nil {
		panic("ntcp2: a 32-byte AES key was refused")
	}
	return obfuscator{block: block, iv: iv}
}

func (o *obfuscator) hide(dst []byte, key keys.X25519Public) {
	cipher.NewCBCEncrypter(o.block, o.iv[:]).CryptBlocks(dst[:keyLen], key[:])
	copy(o.iv[:], dst[keyLen-aes.BlockSize:keyLen])
}

func (o *obfuscator) reveal(src []byte) (key keys.X25519Public) {
	cipher.NewCBCDecrypter(o.block, o.iv[:]).CryptBlocks(key[:], src[:keyLen])
	copy(o.iv[:], src[keyLen-aes.BlockSize:keyLen])
	return key
}
