package datagram

import (
	"crypto/sha256"
	"fmt"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// A Datagram1 is a repliable datagram (Datagram Specification, Datagram1).
//
//	from, a Destination, 387+ | signature 40+ | payload
//
// What is signed is the payload; by a DSA-SHA1 key, the SHA-256 of the payload. Nothing names the receiver: whoever gets a
// Datagram1 can pass it on to others, for whom it is just as good.
type Datagram1 struct {
	From               *i2p.Destination
	Signature, Payload []byte
}

// ParseDatagram1 reads a whole packet; Signature and Payload lie in b.
func ParseDatagram1(b []byte) (Datagram1, error) { return parseDatagram1(b, i2p.ParseDestination) }

// A parser reads the Destination at the start of b.
type parser func(b []byte) (d *i2p.Destination, rest []byte, err error)

func parseDatagram1(b []byte, destination parser) (d Datagram1, err error) {
	var rest []byte
	if d.From, rest, err = destination(b); err != nil {
		return Datagram1{}, fmt.Errorf("datagram: from: %w", err)
	}
	n := d.From.SigningKey().Type.SignatureLen()
	if len(rest) < n {
		return Datagram1{}, fmt.Errorf("datagram: signature: %w", i2p.ErrTruncated)
	}
	d.Signature, d.Payload = rest[:n:n], rest[n:]
	return d, nil
}

// Verify reports whether From has signed the payload.
func (d Datagram1) Verify() bool {
	if d.From.SigningKey().Type == keys.SigDSASHA1 {
		sum := sha256.Sum256(d.Payload)
		return d.From.Verify(sum[:], d.Signature)
	}
	return d.From.Verify(d.Payload, d.Signature)
}

// Append appends the wire form.
func (d Datagram1) Append(b []byte) []byte {
	return append(append(append(b, d.From.Bytes()...), d.Signature...), d.Payload...)
}

// AppendDatagram1 appends a packet that k signs.
func AppendDatagram1(b []byte, k *i2p.DestinationKeys, payload []byte) []byte {
	return Datagram1{From: k.Destination, Signature: k.Signing.Sign(payload), Payload: payload}.Append(b)
}
