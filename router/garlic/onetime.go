package garlic

import (
	"fmt"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/ratchet"
)

// A message under a key and tag that were handed out looks like one of an Existing Session (ecies-routers, Reply
// Encryption): the tag, 8 bytes, then the payload under the key with nonce 0 and the tag as associated data.

type oneTime struct {
	key     [32]byte
	expires time.Time
}

// AddOneTime makes Open accept one message under key and tag until expires. Of too many, some are forgotten.
func (k *Keeper) AddOneTime(tag [8]byte, key [32]byte, expires time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.oneTime) >= maxOneTime {
		for old := range k.oneTime { // a random one
			delete(k.oneTime, old)
			break
		}
	}
	k.oneTime[tag] = oneTime{key, expires}
}

func (k *Keeper) expireOneTime(now time.Time) {
	for tag, o := range k.oneTime {
		if now.After(o.expires) {
			delete(k.oneTime, tag)
		}
	}
}

// openOneTime reports whether the tag is one of ours. A forged message under a tag does not use it up.
func (k *Keeper) openOneTime(tag [8]byte, payload []byte, now time.Time) ([]byte, bool, error) {
	o, ok := k.oneTime[tag]
	if !ok || now.After(o.expires) {
		return nil, false, nil
	}
	blocks, err := openOneTime(&o.key, payload, now)
	if err == nil {
		delete(k.oneTime, tag)
	}
	return blocks, true, err
}

func openOneTime(key *[32]byte, payload []byte, now time.Time) ([]byte, error) {
	if len(payload) < ratchet.TagLen+ratchet.MACLen {
		return nil, fmt.Errorf("garlic: open: %w", errShort)
	}
	head := payload[:ratchet.TagLen]
	blocks, err := noise.Open(payload[ratchet.TagLen:ratchet.TagLen], key, 0, payload[ratchet.TagLen:], head)
	if err != nil {
		return nil, fmt.Errorf("garlic: open one-time message: %w", err)
	}
	return blocks, ratchet.CheckPayload(ratchet.OneTime, blocks, now)
}

// SealOneTime encrypts the payload blocks in b under a key and tag that their owner handed out, in place. After it b
// holds a Garlic message in flight. Readers may look at the first block only: let it be the clove. On error b is
// unchanged.
func SealOneTime(key [32]byte, tag [8]byte, b *buf.Buf, now time.Time) error {
	if !room(b, ratchet.ExistingHead, 0) {
		return ErrNoRoom
	}
	pad(b, ratchet.ExistingHead)
	msg := widen(b, ratchet.ExistingHead)
	copy(msg, tag[:])
	noise.Seal(msg[:ratchet.TagLen], &key, 0, msg[ratchet.TagLen:len(msg)-ratchet.MACLen], tag[:])
	finish(b, now)
	return nil
}

// OpenOneTime opens a message of SealOneTime, in place, for owners of keys that have no Keeper.
func OpenOneTime(key [32]byte, payload []byte, now time.Time, deliver func(Clove)) error {
	blocks, err := openOneTime(&key, payload, now)
	if err != nil {
		return err
	}
	return deliverCloves(blocks, Origin{Kind: KindOneTime}, nil, deliver)
}
