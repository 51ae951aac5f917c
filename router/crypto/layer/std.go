package layer

import (
	"crypto/aes"
	"crypto/cipher"
)

// stdCipher is the cipher with the standard library, for all processors.
type stdCipher struct {
	iv       cipher.Block
	enc, dec chain
}

// A chain is a CBC mode whose vector can be set anew, which the standard library's modes can.
type chain interface {
	cipher.BlockMode
	SetIV([]byte)
}

func block(key *[keyLen]byte) cipher.Block {
	b, err := aes.NewCipher(key[:])
	if err != nil {
		panic("layer: 32-byte key refused")
	}
	return b
}

func (s *stdCipher) expand(c *Cipher, mode func(cipher.Block, []byte) cipher.BlockMode) chain {
	if s.iv == nil {
		s.iv = block(&c.ivKey)
	}
	return mode(block(&c.layerKey), make([]byte, IVLen)).(chain)
}

func (s *stdCipher) encrypt(c *Cipher, msg []byte) {
	if s.enc == nil {
		s.enc = s.expand(c, cipher.NewCBCEncrypter)
	}
	iv, data := msg[:IVLen], msg[IVLen:]
	s.iv.Encrypt(iv, iv)
	s.enc.SetIV(iv)
	s.enc.CryptBlocks(data, data)
	s.iv.Encrypt(iv, iv)
}

func (s *stdCipher) decrypt(c *Cipher, msg []byte) {
	if s.dec == nil {
		s.dec = s.expand(c, cipher.NewCBCDecrypter)
	}
	iv, data := msg[:IVLen], msg[IVLen:]
	s.iv.Decrypt(iv, iv)
	s.dec.SetIV(iv)
	s.dec.CryptBlocks(data, data)
	s.iv.Decrypt(iv, iv)
}
