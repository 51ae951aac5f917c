package wire

import (
	"encoding/binary"
	"fmt"
)

// Options are a router's wishes about padding and dummy traffic ("Options"): 15 bytes or more. Nobody acts on them.
//
//	tmin 1 | tmax 1 | rmin 1 | rmax 1 | tdmy 2 | rdmy 2 | tdelay 2 | rdelay 2 | more
type Options struct {
	SendMin, SendMax, ReceiveMin, ReceiveMax byte   // ratio of padding to data, in 16ths
	SendDummy, ReceiveDummy                  uint16 // bytes/s
	SendDelay, ReceiveDelay                  uint16 // ms between messages
}

const optionsLen = 12

// Append appends the block.
func (o Options) Append(dst []byte) []byte {
	dst = append(AppendBlockHeader(dst, BlockOptions, optionsLen), o.SendMin, o.SendMax, o.ReceiveMin, o.ReceiveMax)
	for _, v := range [...]uint16{o.SendDummy, o.ReceiveDummy, o.SendDelay, o.ReceiveDelay} {
		dst = binary.BigEndian.AppendUint16(dst, v)
	}
	return dst
}

// ParseOptions reads the body of an Options block. More options than these have no format yet and are skipped.
func ParseOptions(body []byte) (Options, error) {
	if len(body) < optionsLen {
		return Options{}, fmt.Errorf("%w: Options of %d bytes", ErrMalformed, len(body))
	}
	return Options{
		SendMin: body[0], SendMax: body[1], ReceiveMin: body[2], ReceiveMax: body[3],
		SendDummy: binary.BigEndian.Uint16(body[4:]), ReceiveDummy: binary.BigEndian.Uint16(body[6:]),
		SendDelay: binary.BigEndian.Uint16(body[8:]), ReceiveDelay: binary.BigEndian.Uint16(body[10:]),
	}, nil
}
