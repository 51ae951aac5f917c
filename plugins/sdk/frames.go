package sdk

import (
	"encoding/binary"
	"io"
	"slices"

	"clove.i2p/plugins/api"
)

// frameReader reads packet frames. A read that fails, as with a deadline, loses nothing: the next goes on where it was.
type frameReader struct {
	r    io.Reader
	buf  []byte // what was read and not yet returned
	used int    // of buf, by the frame that was returned last
}

// firstBuffer holds most datagrams; the buffer grows to api.MaxFrame and two bytes for larger ones.
const firstBuffer = 4096

// next returns slices that are good until the next call.
func (f *frameReader) next() (address, payload []byte, err error) {
	if f.used > 0 {
		f.buf = f.buf[:copy(f.buf, f.buf[f.used:])]
		f.used = 0
	}
	if err := f.fill(2); err != nil {
		return nil, nil, err
	}
	n := 2 + int(binary.BigEndian.Uint16(f.buf))
	if err := f.fill(n); err != nil {
		return nil, nil, err
	}
	b := f.buf[2:n]
	if len(b) == 0 || 1+int(b[0]) > len(b) {
		return nil, nil, api.ErrFrame
	}
	f.used = n
	return b[1 : 1+int(b[0])], b[1+int(b[0]):], nil
}

func (f *frameReader) fill(n int) error {
	f.buf = slices.Grow(f.buf, max(n, firstBuffer)-len(f.buf))
	for len(f.buf) < n {
		got, err := f.r.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf = f.buf[:len(f.buf)+got]
		if err == io.EOF && len(f.buf) > 0 && len(f.buf) < n {
			return io.ErrUnexpectedEOF
		}
		if err != nil && len(f.buf) < n {
			return err
		}
	}
	return nil
}
