package layer

// Sizes of a message without its tunnel ID, in bytes.
const (
	IVLen      = 16
	DataLen    = 1008
	MessageLen = IVLen + DataLen
	keyLen     = 32
)

// Cipher holds the two keys of a hop. What a direction needs is made on its first message, so that an idle tunnel
// costs little more than its keys. It is not safe for concurrent use.
type Cipher struct {
	layerKey, ivKey [keyLen]byte
	std             stdCipher
	fast            fastCipher
}

// New makes a Cipher from the layer key (data) and the IV key.
func New(layerKey, ivKey [keyLen]byte) *Cipher {
	return &Cipher{layerKey: layerKey, ivKey: ivKey}
}

// Encrypt is what a hop does to a message in place: IV 16 bytes, then data, MessageLen in all. The data may have
// another length that is a multiple of 16; any other length panics.
func (c *Cipher) Encrypt(msg []byte) {
	checkLen(msg)
	if fast {
		c.fast.encrypt(c, msg)
	} else {
		c.std.encrypt(c, msg)
	}
}

// Decrypt undoes Encrypt, in place.
func (c *Cipher) Decrypt(msg []byte) {
	checkLen(msg)
	if fast {
		c.fast.decrypt(c, msg)
	} else {
		c.std.decrypt(c, msg)
	}
}

// A Job is one message and the cipher that it needs; several messages of one batch may share a cipher.
type Job struct {
	Cipher *Cipher
	Msg    []byte
}

// EncryptBatch is Encrypt of each job. CBC waits for each block; four messages at once fill the waiting, which makes
// the batch up to four times as fast.
func EncryptBatch(jobs []Job) {
	if fast {
		for len(jobs) >= lanes && encryptLanes((*[lanes]Job)(jobs)) {
			jobs = jobs[lanes:]
		}
	}
	for _, j := range jobs {
		j.Cipher.Encrypt(j.Msg)
	}
}

func checkLen(msg []byte) {
	if len(msg) < IVLen || len(msg)%IVLen != 0 {
		panic("layer: message is not whole blocks")
	}
}
