package i2np

import "encoding/binary"

// Garlic holds an encrypted garlic message (i2np.md, "Garlic"; ecies.md):
//
//	length 4 | data of that length
type Garlic struct {
	Data []byte // lent
}

// GarlicHeaderLen is the length field in front of the data of Garlic and Data, in bytes.
const GarlicHeaderLen = 4

// Type is TypeGarlic.
func (Garlic) Type() Type { return TypeGarlic }

// ParseGarlic parses a payload.
func ParseGarlic(payload []byte) (Garlic, error) {
	p, err := parseSized(TypeGarlic, payload)
	return Garlic{p}, err
}

// Append appends the payload.
func (m Garlic) Append(b []byte) []byte { return appendSized(b, m.Data) }

// parseSized parses a 4-byte length and that many bytes.
func parseSized(t Type, payload []byte) ([]byte, error) {
	r := reader{b: payload}
	p := r.bytes(int(min(r.uint32(), MaxPayload+1)))
	if err := r.end(t); err != nil {
		return nil, err
	}
	return p, nil
}

func appendSized(b, p []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
}
