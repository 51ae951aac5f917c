package ntcp2

import (
	"encoding/binary"
	"fmt"
)

// createdOptions are the 16 bytes that SessionCreated carries encrypted (ntcp2.md, "SessionCreated"):
//
//	0 2 | padding length 2 | 0 4 | time 4 | 0 4
//
// The message is Y (32, obfuscated), in a hybrid handshake the ciphertext of ML-KEM with its tag (784, 1104 or 1584), the
// options with their tag (32) and the padding.
type createdOptions struct {
	padding       uint16
	timeResponder uint32 // seconds, rounded
}

func (o createdOptions) append(b []byte) []byte {
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, o.padding)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, o.timeResponder)
	return append(b, 0, 0, 0, 0)
}

func parseCreatedOptions(b []byte, maxPadding int) (o createdOptions, err error) {
	if len(b) != optionsLen {
		return o, fmt.Errorf("%w: %d bytes of options", errMalformed, len(b))
	}
	o = createdOptions{padding: binary.BigEndian.Uint16(b[2:]), timeResponder: binary.BigEndian.Uint32(b[8:])}
	if int(o.padding) > maxPadding {
		return o, fmt.Errorf("%w: %d bytes of padding", errMalformed, o.padding)
	}
	return o, nil
}
