package client

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"clove.i2p/router/buf"
)

// A Protocol says what a packet between destinations is (I2CP, "Message payload").
type Protocol uint8

// The protocols in use.
const (
	Streaming Protocol = 6
	Datagram  Protocol = 17
	Raw       Protocol = 18
	Datagram2 Protocol = 19
	Datagram3 Protocol = 20
)

// Ports of a packet between destinations, 0 when unused.
type Ports struct{ From, To uint16 }

// A packet travels as a gzip member whose header fields carry what I2CP needs (i2cp.md, "Message payload"):
//
//	+----+----+----+----+----+----+----+----+----+----+
//	| 1f | 8b | 08 | 00 |from port| to port |xfl |prot| deflate stream ... crc32, 4, LE | size, 4, LE
//	+----+----+----+----+----+----+----+----+----+----+
//
// Packets are encrypted data as a rule, so the deflate stream is one stored block: 01, length, its complement.
const (
	memberHeaderLen  = 10
	storedHeaderLen  = 5
	memberTrailerLen = 8
	// payloadHead and payloadTail are what wrap adds in front and behind.
	payloadHead = memberHeaderLen + storedHeaderLen
	payloadTail = memberTrailerLen
)

var errMember = errors.New("not a gzip member of I2CP")

// wrap makes the packet in b a gzip member. b holds at most 65,535 bytes.
func wrap(b *buf.Buf, proto Protocol, ports Ports) {
	n := b.Len()
	sum := crc32.ChecksumIEEE(b.Bytes())
	h := b.Prepend(payloadHead)
	copy(h, "\x1f\x8b\x08\x00")
	binary.BigEndian.PutUint16(h[4:], ports.From)
	binary.BigEndian.PutUint16(h[6:], ports.To)
	h[8], h[9] = 0, byte(proto)
	h[10] = 1
	binary.LittleEndian.PutUint16(h[11:], uint16(n))
	binary.LittleEndian.PutUint16(h[13:], ^uint16(n))
	t := b.Extend(payloadTail)
	binary.LittleEndian.PutUint32(t, sum)
	binary.LittleEndian.PutUint32(t[4:], uint32(n))
}

// unwrap returns the packet in a gzip member, in a buffer of its own. The checksum is not compared: the member came
// through an authenticated cipher.
func unwrap(member []byte) (b *buf.Buf, proto Protocol, ports Ports, err error) {
	if len(member) < memberHeaderLen+memberTrailerLen || string(member[:3]) != "\x1f\x8b\x08" || member[3] != 0 {
		return nil, 0, Ports{}, errMember
	}
	ports = Ports{From: binary.BigEndian.Uint16(member[4:]), To: binary.BigEndian.Uint16(member[6:])}
	proto = Protocol(member[9])
	stream := member[memberHeaderLen : len(member)-memberTrailerLen]
	if stored, ok := storedBlock(stream); ok {
		return buf.From(stored), proto, ports, nil
	}
	b, err = inflate(stream)
	return b, proto, ports, err
}

// storedBlock returns the content of a stream that is one final stored block.
func storedBlock(stream []byte) ([]byte, bool) {
	if len(stream) < storedHeaderLen || stream[0] != 1 {
		return nil, false
	}
	n := binary.LittleEndian.Uint16(stream[1:])
	if ^n != binary.LittleEndian.Uint16(stream[3:]) || len(stream)-storedHeaderLen != int(n) {
		return nil, false
	}
	return stream[storedHeaderLen:], true
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

func inflate(stream []byte) (*buf.Buf, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(stream), nil); err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	b := buf.GetLarge()
	into := b.Extend(maxInflated + 1)
	n := 0
	for n < len(into) {
		m, err := r.Read(into[n:])
		n += m
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Release()
			return nil, fmt.Errorf("inflate: %w", err)
		}
	}
	if n > maxInflated {
		b.Release()
		return nil, fmt.Errorf("inflate: more than %d bytes", maxInflated)
	}
	b.Truncate(n)
	if n > buf.Small {
		return b, nil
	}
	defer b.Release()
	return buf.From(b.Bytes()), nil
}
