package router

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"clove.i2p/router/crypto/keys"
)

// linkKeys are those of one transport, and the port that was chosen at the first start: the content of NAME.keys.
//
//	static key 32 | IV 16 (NTCP2) or introduction key 32 (SSU2) | port 2 | the first 8 bytes of the SHA-256 of all that
//
// A file without the hash, which clove once wrote, is taken too.
type linkKeys struct {
	static keys.X25519Private
	mask   []byte
	port   uint16 // 0 until the first listener has one
	kept   bool   // in the file
}

const (
	ivLen       = 16
	introKeyLen = 32
	linkSumLen  = 8
)

// loadLinkKeys reads the keys of a transport or makes them.
func loadLinkKeys(dir, name string, maskLen int) (linkKeys, error) {
	if dir == "" {
		return newLinkKeys(maskLen)
	}
	path := linkKeysFile(dir, name)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newLinkKeys(maskLen)
	}
	if err != nil {
		return linkKeys{}, fmt.Errorf("router: read the keys of %s: %w", name, err)
	}
	k, err := parseLinkKeys(b, maskLen)
	if err != nil {
		return k, fmt.Errorf("router: damaged key file %s (%w): it is left as it is; put a good copy in its place, or move it away to have "+
			"new keys made", path, err)
	}
	return k, nil
}

func linkKeysFile(dir, name string) string { return filepath.Join(dir, name+".keys") }

func newLinkKeys(maskLen int) (k linkKeys, err error) {
	if k.static, err = keys.GenerateX25519(); err != nil {
		return k, fmt.Errorf("router: %w", err)
	}
	k.mask = make([]byte, maskLen)
	rand.Read(k.mask)
	return k, nil
}

func parseLinkKeys(b []byte, maskLen int) (k linkKeys, err error) {
	body := 32 + maskLen + 2
	switch {
	case len(b) != body && len(b) != body+linkSumLen:
		return k, fmt.Errorf("%d bytes, want %d", len(b), body+linkSumLen)
	case len(b) > body && !bytes.Equal(linkSum(b[:body]), b[body:]):
		return k, errors.New("the checksum is wrong")
	}
	if bytes.Equal(b[:32], make([]byte, 32)) {
		return k, errors.New("the key is zero")
	}
	k.static = keys.NewX25519([32]byte(b[:32]))
	k.mask = b[32 : 32+maskLen]
	k.port = binary.BigEndian.Uint16(b[32+maskLen:])
	k.kept = true
	return k, nil
}

// keep writes the keys with the port, if that is not how they are kept already.
func (k *linkKeys) keep(dir, name string, port uint16) error {
	if k.kept && k.port == port {
		return nil
	}
	k.port = port
	if dir == "" {
		return nil
	}
	static := k.static.Bytes()
	b := binary.BigEndian.AppendUint16(append(static[:], k.mask...), port)
	if err := writeFile(linkKeysFile(dir, name), append(b, linkSum(b)...)); err != nil {
		return err
	}
	k.kept = true
	return nil
}

func linkSum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:linkSumLen]
}
