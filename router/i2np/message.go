package i2np

import (
	"encoding/binary"
	"fmt"

	"clove.i2p/router/i2p"
)

// A Body is the payload of one type of message.
type Body interface {
	Type() Type
	// Append appends the payload to b.
	Append(b []byte) []byte
}

// Encode returns the message in flight: short header and payload. The type is the body's.
func Encode(h Header, body Body) []byte {
	return AppendMessage(nil, h, body)
}

// AppendMessage appends the message in flight to b.
func AppendMessage(b []byte, h Header, body Body) []byte {
	h.Type = body.Type()
	return body.Append(h.AppendShort(b))
}

// EncodeStandard returns the message with the standard header.
func EncodeStandard(h Header, body Body) []byte {
	h.Type = body.Type()
	b := body.Append(make([]byte, StandardHeaderLen))
	h.PutStandard(b, b[StandardHeaderLen:])
	return b
}

// reader takes fixed pieces off a payload. After the first piece that is not there, all are zero and err tells.
type reader struct {
	b   []byte
	err error
}

func (r *reader) bytes(n int) []byte {
	if r.err == nil && len(r.b) < n {
		r.err = fmt.Errorf("%d bytes missing", n-len(r.b))
	}
	if r.err != nil {
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) hash() (h i2p.Hash) { copy(h[:], r.bytes(len(h))); return h }

func (r *reader) uint8() uint8 {
	if p := r.bytes(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if p := r.bytes(2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if p := r.bytes(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if p := r.bytes(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// end is the error so far; bytes left over are one too.
func (r *reader) end(t Type) error {
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d trailing bytes", len(r.b))
	}
	if r.err != nil {
		return fmt.Errorf("i2np: %v: %w", t, r.err)
	}
	return nil
}
