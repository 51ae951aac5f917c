package datagram

import (
	"encoding/binary"
	"fmt"
	"time"

	"clove.i2p/router/i2p"
)

// The flags of Datagram2 and Datagram3.
const (
	flagVersion = 0x0f
	flagOptions = 0x10
	flagOffline = 0x20 // Datagram2 only

	version2, version3 = 2, 3
	flagsLen           = 2
)

// A Datagram2 is a repliable datagram for one receiver (Datagram Specification, Datagram2).
//
//	from, a Destination, 387+ | flags 2 | options, a Mapping | offline signature | payload | signature 40+
//
// Options and offline signature are there if the flags say so. What is signed, by the key of from or by the transient key of
// the offline signature, is the hash of the receiver, 32 bytes, and all from the flags to the end of the payload.
type Datagram2 struct {
	From               *i2p.Destination
	Options            i2p.Mapping
	Offline            *i2p.OfflineSignature // nil: signed by From itself
	Payload, Signature []byte

	wire   []byte // the whole
	signed int    // where the flags are in it
}

// ParseDatagram2 reads a whole packet; Payload and Signature lie in b.
func ParseDatagram2(b []byte) (Datagram2, error) { return parseDatagram2(b, i2p.ParseDestination) }

func parseDatagram2(b []byte, destination parser) (d Datagram2, err error) {
	var rest []byte
	if d.From, rest, err = destination(b); err != nil {
		return Datagram2{}, fmt.Errorf("datagram: from: %w", err)
	}
	d.wire, d.signed = b, len(b)-len(rest)
	var flags uint16
	if flags, d.Options, rest, err = parseFlags(rest, version2, flagOptions|flagOffline); err != nil {
		return Datagram2{}, err
	}
	by := d.From.SigningKey().Type
	if flags&flagOffline != 0 {
		var o i2p.OfflineSignature
		if o, rest, err = i2p.ParseOfflineSignature(rest, by); err != nil {
			return Datagram2{}, fmt.Errorf("datagram: %w", err)
		}
		d.Offline, by = &o, o.Transient.Type
	}
	n := len(rest) - by.SignatureLen()
	if n < 0 {
		return Datagram2{}, fmt.Errorf("datagram: signature: %w", i2p.ErrTruncated)
	}
	d.Payload, d.Signature = rest[:n:n], rest[n:]
	return d, nil
}

// parseFlags reads flags and options.
func parseFlags(b []byte, version, known uint16) (flags uint16, options i2p.Mapping, rest []byte, err error) {
	if len(b) < flagsLen {
		return 0, options, nil, fmt.Errorf("datagram: flags: %w", i2p.ErrTruncated)
	}
	flags, rest = binary.BigEndian.Uint16(b), b[flagsLen:]
	if flags&flagVersion != version || flags&^(flagVersion|known) != 0 {
		return 0, options, nil, fmt.Errorf("%w: %#04x", ErrVersion, flags)
	}
	if flags&flagOptions == 0 {
		return flags, options, rest, nil
	}
	if len(rest) >= 2 && binary.BigEndian.Uint16(rest) > maxOptions {
		return 0, options, nil, fmt.Errorf("datagram: options: %w", i2p.ErrTooLarge)
	}
	if options, rest, err = i2p.ParseMapping(rest); err != nil {
		return 0, options, nil, fmt.Errorf("datagram: options: %w", err)
	}
	return flags, options, rest, nil
}

// Verify checks that From, or the transient key that it authorised until after now, signed the packet for the receiver to:
// i2p.ErrBadSignature or ErrExpired. It writes the 32 bytes in front of the flags in what was parsed, and restores them.
func (d Datagram2) Verify(to i2p.Hash, now time.Time) error {
	key := d.From.SigningKey()
	if d.Offline != nil {
		if !d.Offline.Expires.After(now) {
			return ErrExpired
		}
		if !d.Offline.Verify(d.From) {
			return fmt.Errorf("datagram: offline signature: %w", i2p.ErrBadSignature)
		}
		key = d.Offline.Transient
	}
	msg := d.wire[d.signed-i2p.HashLen : len(d.wire)-len(d.Signature)]
	before := i2p.Hash(msg)
	copy(msg, to[:])
	ok := key.Verify(msg, d.Signature)
	copy(msg, before[:])
	if !ok {
		return fmt.Errorf("datagram: %w", i2p.ErrBadSignature)
	}
	return nil
}

// AppendDatagram2 appends a packet that k signs for the receiver to.
func AppendDatagram2(b []byte, k *i2p.DestinationKeys, to i2p.Hash, options i2p.Mapping, payload []byte) []byte {
	b = append(b, k.Destination.Bytes()...)
	start := len(b) - i2p.HashLen
	b = append(appendFlags(b, version2, options), payload...)
	before := i2p.Hash(b[start:])
	copy(b[start:], to[:])
	sig := k.Signing.Sign(b[start:])
	copy(b[start:], before[:])
	return append(b, sig...)
}

func appendFlags(b []byte, version uint16, options i2p.Mapping) []byte {
	if options.Len() == 0 {
		return binary.BigEndian.AppendUint16(b, version)
	}
	return options.Append(binary.BigEndian.AppendUint16(b, version|flagOptions))
}
