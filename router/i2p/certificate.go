package i2p

import (
	"encoding/binary"
	"fmt"

	"clove.i2p/router/crypto/keys"
)

// Types of certificate. Only NULL and KEY are in use.
const (
	CertificateNull     = 0
	CertificateHashcash = 1
	CertificateHidden   = 2
	CertificateSigned   = 3
	CertificateMultiple = 4
	CertificateKey      = 5
)

// A Certificate follows the keys of a RouterIdentity or a Destination (Common Structures, Certificate).
//
//	type 1 | length 2 | payload
type Certificate struct {
	Type    uint8
	Payload []byte
}

// ParseCertificate reads a certificate. A payload whose length does not fit the type is ErrMalformed; the length of a
// key certificate depends on its key types and is checked by ParseDestination and ParseRouterIdentity.
func ParseCertificate(b []byte) (c Certificate, rest []byte, err error) {
	if c, rest, err = parseCertificate(b); err != nil {
		return Certificate{}, nil, fmt.Errorf("i2p: %w", err)
	}
	c.Payload = append([]byte(nil), c.Payload...)
	return c, rest, nil
}

// parseCertificate is ParseCertificate; the payload is part of b.
func parseCertificate(b []byte) (c Certificate, rest []byte, err error) {
	if len(b) < certificateHeaderLen {
		return Certificate{}, nil, fmt.Errorf("certificate: %w", ErrTruncated)
	}
	n := int(binary.BigEndian.Uint16(b[1:]))
	if n > maxCertificatePayload {
		return Certificate{}, nil, fmt.Errorf("certificate: %w: %d bytes", ErrTooLarge, n)
	}
	c.Type = b[0]
	if !certificateLenFits(c.Type, n) {
		return Certificate{}, nil, fmt.Errorf("certificate: %w: type %d with %d bytes", ErrMalformed, c.Type, n)
	}
	if len(b) < certificateHeaderLen+n {
		return Certificate{}, nil, fmt.Errorf("certificate: %w", ErrTruncated)
	}
	end := certificateHeaderLen + n
	c.Payload = b[certificateHeaderLen:end:end]
	return c, b[end:], nil
}

func certificateLenFits(typ uint8, n int) bool {
	switch typ {
	case CertificateNull, CertificateHidden:
		return n == 0
	case CertificateHashcash, CertificateMultiple:
		return true
	case CertificateSigned:
		return n == 40 || n == 72
	case CertificateKey:
		return n >= keyCertificateMinLen
	default:
		return false
	}
}

// Append appends the wire form. The payload has at most 65,535 bytes.
func (c Certificate) Append(b []byte) []byte {
	b = append(b, c.Type)
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.Payload)))
	return append(b, c.Payload...)
}

const keyCertificateMinLen = 4

// A KeyCertificate is the payload of a certificate of type KEY.
//
//	signing type 2 | encryption type 2 | excess of the signing key | excess of the encryption key
type KeyCertificate struct {
	Signing    keys.SigType
	Encryption keys.EncType
	// Excess is what of the two keys does not fit into their fields of 128 and 256 bytes: 4 bytes of an ECDSA P-521
	// key, else nothing.
	Excess []byte
}

// Key reads the payload of a key certificate.
func (c Certificate) Key() (KeyCertificate, error) {
	if c.Type != CertificateKey {
		return KeyCertificate{}, fmt.Errorf("certificate: %w: type %d is not KEY", ErrMalformed, c.Type)
	}
	if len(c.Payload) < keyCertificateMinLen {
		return KeyCertificate{}, fmt.Errorf("key certificate: %w", ErrTruncated)
	}
	return KeyCertificate{
		Signing:    keys.SigType(binary.BigEndian.Uint16(c.Payload)),
		Encryption: keys.EncType(binary.BigEndian.Uint16(c.Payload[2:])),
		Excess:     c.Payload[keyCertificateMinLen:],
	}, nil
}

// Certificate wraps k.
func (k KeyCertificate) Certificate() Certificate {
	p := binary.BigEndian.AppendUint16(nil, uint16(k.Signing))
	p = binary.BigEndian.AppendUint16(p, uint16(k.Encryption))
	return Certificate{Type: CertificateKey, Payload: append(p, k.Excess...)}
}
