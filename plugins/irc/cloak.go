package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// cloakEntry is where the tunnel's store holds the key, cloakSize its bytes.
const (
	cloakEntry = "cloak-key"
	cloakSize  = 32
)

// cloakKey is made once for a tunnel, so that bans hold.
func cloakKey(ctx context.Context, t *sdk.Tunnel) ([]byte, error) {
	key, found, err := t.Get(ctx, cloakEntry)
	if err != nil || found && len(key) == cloakSize {
		return key, err
	}
	key = make([]byte, cloakSize)
	_, _ = rand.Read(key)
	return key, t.Put(ctx, cloakEntry, key)
}

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// hostOf fills in a pattern: %f is the hash of the destination, %c SHA-256(hash, key), both as 52 characters of base 32.
func hostOf(pattern string, p visitors.Peer, key []byte) string {
	cloaked := sha256.Sum256(append(p[:], key...))
	return strings.NewReplacer("%f", strings.TrimSuffix(p.Base32(), ".b32.i2p"), "%c", lowerBase32.EncodeToString(cloaked[:])).Replace(pattern)
}
