package datagram

import (
	"fmt"

	"clove.i2p/router/i2p"
)

// A Datagram3 names its sender and proves nothing (Datagram Specification, Datagram3).
//
//	from, a Hash, 32 | flags 2 | options, a Mapping | payload
//
// The options are there if the flags say so.
type Datagram3 struct {
	From    i2p.Hash
	Options i2p.Mapping
	Payload []byte
}

// ParseDatagram3 reads a whole packet; Payload lies in b.
func ParseDatagram3(b []byte) (d Datagram3, err error) {
	if len(b) < i2p.HashLen {
		return d, fmt.Errorf("datagram: from: %w", i2p.ErrTruncated)
	}
	d.From = i2p.Hash(b)
	if _, d.Options, d.Payload, err = parseFlags(b[i2p.HashLen:], version3, flagOptions); err != nil {
		return Datagram3{}, err
	}
	return d, nil
}

// Append appends the wire form.
func (d Datagram3) Append(b []byte) []byte {
	return append(appendFlags(append(b, d.From[:]...), version3, d.Options), d.Payload...)
}
