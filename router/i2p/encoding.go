package i2p

import (
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
)

// I2P's Base64 has - and ~ where RFC 4648 has + and /; its Base32 is RFC 4648 in lower case without padding.
var (
	base64Encoding = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~").Strict()
	base64Raw      = base64Encoding.WithPadding(base64.NoPadding).Strict()
	base32Encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
)

// EncodeBase64 writes b in I2P's Base64 alphabet, with padding.
func EncodeBase64(b []byte) string { return base64Encoding.EncodeToString(b) }

// DecodeBase64 reads I2P's Base64, with or without its padding. Line breaks are not skipped, unused bits must be
// zero: one value has one spelling.
func DecodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, fmt.Errorf("i2p: base64: %w: line break", ErrMalformed)
	}
	b, err := base64Raw.DecodeString(trimPadding(s))
	if err != nil {
		return nil, fmt.Errorf("i2p: base64: %w: %w", ErrMalformed, err)
	}
	return b, nil
}

// trimPadding removes the padding if it is the right one for the length; else it stays and is refused as data.
func trimPadding(s string) string {
	if len(s)%4 != 0 {
		return s
	}
	if t, ok := strings.CutSuffix(s, "=="); ok {
		return t
	}
	return strings.TrimSuffix(s, "=")
}

// EncodeBase32 writes b in lower-case Base32 without padding.
func EncodeBase32(b []byte) string { return base32Encoding.EncodeToString(b) }

// DecodeBase32 reads lower-case Base32 without padding; unused bits must be zero.
func DecodeBase32(s string) ([]byte, error) {
	b, err := base32Encoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("i2p: base32: %w: %w", ErrMalformed, err)
	}
	// The decoder skips line breaks and ignores unused bits.
	if EncodeBase32(b) != s {
		return nil, fmt.Errorf("i2p: base32: %w: not the canonical spelling", ErrMalformed)
	}
	return b, nil
}
