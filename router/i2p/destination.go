package i2p

import (
	"bytes"
	"fmt"
)

// A Destination names a service or a client: the key that signs its LeaseSet and its streams.
type Destination struct{ keysAndCert }

// ParseDestination reads a Destination.
func ParseDestination(b []byte) (d *Destination, rest []byte, err error) {
	k, rest, err := parseKeysAndCert(b)
	if err == nil {
		k, _, err = parseKeysAndCert(bytes.Clone(k.raw))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("i2p: destination: %w", err)
	}
	return &Destination{k}, rest, nil
}

// ParseDestinationBase64 reads what Base64 writes: 516 characters and more, as in hosts.txt and address helpers.
func ParseDestinationBase64(s string) (*Destination, error) {
	if len(s) > (keyFieldLen+certificateHeaderLen+maxCertificatePayload+2)/3*4 {
		return nil, fmt.Errorf("i2p: destination: %w: %d characters", ErrTooLarge, len(s))
	}
	b, err := DecodeBase64(s)
	if err != nil {
		return nil, err
	}
	d, rest, err := ParseDestination(b)
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("i2p: destination: %w: %d bytes follow it", ErrMalformed, len(rest))
	}
	return d, nil
}

// Base64 is the whole destination in Base64.
func (d *Destination) Base64() string { return EncodeBase64(d.raw) }

// Base32 is the host name made of the hash, with ".b32.i2p".
func (d *Destination) Base32() string { return d.hash.Base32() }
