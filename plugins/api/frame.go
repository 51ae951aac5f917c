package api

import (
	"encoding/binary"
	"errors"
	"io"
)

// MaxFrame is the largest frame without its length: the length has two bytes.
const MaxFrame = 1<<16 - 1

// ErrFrame: a frame that is too long, or whose address is longer than the frame.
var ErrFrame = errors.New("api: malformed packet frame")

// AppendFrame appends a packet frame: 2-byte length, 1-byte length of the address, address, payload. The address is up to 255
// bytes.
func AppendFrame(b []byte, address string, payload []byte) ([]byte, error) {
	n := 1 + len(address) + len(payload)
	if len(address) > 255 || n > MaxFrame {
		return b, ErrFrame
	}
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = append(b, byte(len(address)))
	b = append(b, address...)
	return append(b, payload...), nil
}

// ReadFrame reads one frame into buf, which has to hold MaxFrame bytes; address and payload lie in it.
func ReadFrame(r io.Reader, buf []byte) (address, payload []byte, err error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, nil, err
	}
	b := buf[:binary.BigEndian.Uint16(length[:])]
	if _, err := io.ReadFull(r, b); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, nil, err
	}
	if len(b) == 0 || 1+int(b[0]) > len(b) {
		return nil, nil, ErrFrame
	}
	return b[1 : 1+int(b[0])], b[1+int(b[0]):], nil
}
