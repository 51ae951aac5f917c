package layer

import (
	"crypto/aes"
	"crypto/cipher"
)

// Sizes of a message without its tunnel ID, in bytes.
const (
	IVLen      = 16
	DataLen    = 1008
	MessageLen = IVLen + DataLen
)

// Cipher holds the two keys of a hop. What a direction needs is made on its first message, so that an idle tunnel
// costs little more than its keys. It is not safe for concurrent use.
type Cipher struct {
	layerKey, ivKey [32]byte
	iv              cipher.Block
	enc, dec        chain
}

// A chain is a CBC mode whose vector can be set anew, which the standard library's modes can.
type chain interface {
	cipher.BlockMode
	SetIV([]byte)
}

// New makes a Cipher from the layer key (data) and the IV key.
func New(layerKey, ivKey [32]byte) *Cipher {
	return &Cipher{layerKey: layerKey, ivKey: ivKey}
}

func block(key *[32]byte) cipher.Block {
	b, err := aes.NewCipher(key[:])
	if err != nil {
		panic("layer: 32-byte key refused")
	}
	return b
}

func (c *Cipher) expand(make func(cipher.Block, []byte) cipher.BlockMode) chain {
	if c.iv == nil {
		c.iv = block(&c.ivKey)
	}
	return make(block(&c.layerKey), zeroIV[:]).(chain)
}

var zeroIV [IVLen]byte

// Encrypt is what a hop does to a message in place: IV 16 bytes, then data, MessageLen in all. The data may have
// another length that is a multiple of 16; any other length panics.
func (c *Cipher) Encrypt(msg []byte) {
	if c.enc == nil {
		c.enc = c.expand(cipher.NewCBCEncrypter)
	}
	iv, data := msg[:IVLen], msg[IVLen:]
	c.iv.Encrypt(iv, iv)
	c.enc.SetIV(iv)
	c.enc.CryptBlocks(data, data)
	c.iv.Encrypt(iv, iv)
}

// Decrypt undoes Encrypt, in place.
func (c *Cipher) Decrypt(msg []byte) {
	if c.dec == nil {
		c.dec = c.expand(cipher.NewCBCDecrypter)
	}
	iv, data := msg[:IVLen], msg[IVLen:]
	c.iv.Decrypt(iv, iv)
	c.dec.SetIV(iv)
	c.dec.CryptBlocks(data, data)
	c.iv.Decrypt(iv, iv)
}

// A Job is one message and the cipher that it needs; several messages of one batch may share a cipher.
type Job struct {
	Cipher *Cipher
	Msg    []byte
}

// EncryptBatch is Encrypt of each job. Several messages of different tunnels at once can be faster than one by one.
func EncryptBatch(jobs []Job) {
	for _, j := range jobs {
		j.Cipher.Encrypt(j.Msg)
	}
}
