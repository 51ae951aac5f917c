package i2p

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
)

// HashLen is the length of a Hash.
const HashLen = sha256.Size

// A Hash is the SHA-256 of a RouterIdentity or a Destination: its name in the network database.
type Hash [HashLen]byte

var _ slog.LogValuer = Hash{}

// HashOf returns the SHA-256 of b.
func HashOf(b []byte) Hash { return sha256.Sum256(b) }

// ParseHash reads the 44 characters (43 without padding) that String writes.
func ParseHash(s string) (Hash, error) {
	b, err := DecodeBase64(s)
	if err != nil {
		return Hash{}, fmt.Errorf("i2p: hash: %w", err)
	}
	if len(b) != HashLen {
		return Hash{}, fmt.Errorf("i2p: hash: %w: %d bytes", ErrMalformed, len(b))
	}
	return Hash(b), nil
}

// String is the whole hash in Base64, 44 characters. Logs do not use it, see LogValue.
func (h Hash) String() string { return EncodeBase64(h[:]) }

// Base32 is the host name of a destination: 52 characters and ".b32.i2p".
func (h Hash) Base32() string { return EncodeBase32(h[:]) + ".b32.i2p" }

// Short is the first 6 characters of String, for logs and tables.
func (h Hash) Short() string {
	var b [8]byte
	base64Encoding.Encode(b[:], h[:6])
	return string(b[:6])
}

// LogValue prints the short form: a log must not name destinations.
func (h Hash) LogValue() slog.Value { return slog.StringValue(h.Short()) }

// IsZero reports whether h was never set.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText writes the Base64 form.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the Base64 form.
func (h *Hash) UnmarshalText(b []byte) (err error) {
	*h, err = ParseHash(string(b))
	return err
}

// A TunnelID names a tunnel at one router. Zero is no tunnel.
type TunnelID uint32
