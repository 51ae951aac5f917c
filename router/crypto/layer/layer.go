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

// Cipher holds the two keys of a hop, ready for use. It is not safe for concurrent use.
type Cipher struct {
	iv       cipher.Block
	enc, dec chain
}

// A chain is a CBC mode whose vector can be set anew, which the standard library's modes can.
type chain interface {
	cipher.BlockMode
	SetIV([]byte)
}

// New makes a Cipher from the layer key (data) and the IV key.
func New(layerKey, ivKey [32]byte) *Cipher {
	var zero [IVLen]byte
	data := block(layerKey)
	return &Cipher{
		iv:  block(ivKey),
		enc: cipher.NewCBCEncrypter(data, zero[:]).(chain),
		dec: cipher.NewCBCDecrypter(data, zero[:]).(chain),
	}
}

func block(key [32]byte) cipher.Block {
	b, err := aes.NewCipher(key[:])
	if err != nil {
		panic("layer: 32-byte key refused")
	}
	return b
}

// Encrypt is what a hop does to a message in place: IV 16 bytes, then data, MessageLen in all. The data may have
// another length that is a multiple of 16; any other length panics.
func (c *Cipher) Encrypt(msg []byte) {
	iv, data := msg[:IVLen], msg[IVLen:]
	c.iv.Encrypt(iv, iv)
	c.enc.SetIV(iv)
	c.enc.CryptBlocks(data, data)
	c.iv.Encrypt(iv, iv)
}

// Decrypt undoes Encrypt, in place.
func (c *Cipher) Decrypt(msg []byte) {
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
