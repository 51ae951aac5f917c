package i2np

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync"
)

// ErrTooLarge means that a RouterInfo inflates to more than MaxRouterInfo bytes.
var ErrTooLarge = errors.New("i2np: router info too large")

// Both are expensive to make (44 KiB and more than 1 MiB) and cheap to reset.
var (
	inflaters = sync.Pool{New: func() any { return new(gzip.Reader) }}
	deflaters = sync.Pool{New: func() any {
		w, err := gzip.NewWriterLevel(io.Discard, gzip.BestCompression)
		if err != nil {
			panic("i2np: " + err.Error())
		}
		return w
	}}
)

// InflateRouterInfo returns what one gzip member holds, at most MaxRouterInfo bytes.
func InflateRouterInfo(zipped []byte) ([]byte, error) {
	z := inflaters.Get().(*gzip.Reader)
	defer inflaters.Put(z)
	in := bytes.NewReader(zipped)
	if err := z.Reset(in); err != nil {
		return nil, fmt.Errorf("inflate router info: %w", err)
	}
	z.Multistream(false)
	var room [MaxRouterInfo + 1]byte
	n, err := io.ReadFull(z, room[:])
	switch {
	case err == nil:
		return nil, ErrTooLarge
	case err != io.ErrUnexpectedEOF && err != io.EOF:
		return nil, fmt.Errorf("inflate router info: %w", err)
	case in.Len() > 0:
		return nil, fmt.Errorf("inflate router info: %d trailing bytes", in.Len())
	}
	// io.ReadFull also reports a truncated stream as io.ErrUnexpectedEOF: one more read tells them apart.
	if _, err := z.Read(room[n:]); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("inflate router info: %w", io.ErrUnexpectedEOF)
	}
	return bytes.Clone(room[:n]), nil
}

// DeflateRouterInfo appends one gzip member. Its header is the one that all routers write, modification time 0, XFL
// 2, OS 255, so that it tells nothing about this router (i2np.md, DatabaseStore, notes).
func DeflateRouterInfo(b, routerInfo []byte) []byte {
	out := bytes.NewBuffer(b)
	w := deflaters.Get().(*gzip.Writer)
	defer deflaters.Put(w)
	w.Reset(out)
	w.Write(routerInfo) // a bytes.Buffer does not fail
	w.Close()
	return out.Bytes()
}
