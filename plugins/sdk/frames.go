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
	buf  []byte
	from int // in buf: what was read and not yet returned begins here
}

// firstBuffer holds most datagrams; the buffer grows to api.MaxFrame and two bytes for larger ones.
const firstBuffer = 4096

// next returns slices that are good until the next call.
func (f *frameReader) next() (address, payload []byte, err error) {
	if err := f.fill(2); err != nil {
		return nil, nil, err
	}
	n := 2 + int(binary.BigEndian.Uint16(f.buf[f.from:]))
	if err := f.fill(n); err != nil {
		return nil, nil, err
	}
	b := f.buf[f.from+2 : f.from+n]
	if len(b) == 0 || 1+int(b[0]) > len(b) {
		return nil, nil, api.ErrFrame
	}
	f.from += n
	return b[1 : 1+int(b[0])], b[1+int(b[0]):], nil
}

// fill reads until there are n bytes from f.from on. It moves what it has to the front only when the rest does not fit.
func (f *frameReader) fill(n int) error {
	if f.from+n > cap(f.buf) {
		f.buf = f.buf[:copy(f.buf, f.buf[f.from:])]
		f.from = 0
		f.buf = slices.Grow(f.buf, max(0, max(n, firstBuffer)-len(f.buf)))
	}
	for len(f.buf)-f.from < n {
		got, err := f.r.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf = f.buf[:len(f.buf)+got]
		have := len(f.buf) - f.from
		switch {
		case have >= n:
			return nil
		case err == io.EOF && have > 0:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
	return nil
}
