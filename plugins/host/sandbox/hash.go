package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

type contentHash struct{ hash.Hash }

func newHash() contentHash { return contentHash{sha256.New()} }

func (h contentHash) text() string { return hex.EncodeToString(h.Sum(nil)) }
