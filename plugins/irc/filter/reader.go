package filter

import (
	"bytes"
	"errors"
	"io"
)

// ErrFlood: what comes is not IRC. It ends the connection.
var ErrFlood = errors.New("a line without an end")

// Reader takes lines from a connection. CR and LF end one, together or alone: whatever the other side makes of a lone CR, it
// gets each part through the filter by itself.
type Reader struct {
	src        io.Reader
	buf        []byte
	start, end int // what is unread of buf
	seen       int // of which no line ends before here
	skipped    int // bytes of an over-long line
	skipping   bool
}

// NewReader reads from src. It holds one line of the greatest length.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, buf: make([]byte, maxTags+maxLine+2)}
}

// Next returns the next line that is not empty, without its end; it is valid until the next call. After ErrTooLong the line
// is gone and Next may be called again; other errors are final: ErrFlood, and those of the source. A line that the source
// ended in is dropped.
func (r *Reader) Next() ([]byte, error) {
	for {
		line, found := r.take()
		switch {
		case found && r.skipping:
			r.skipping, r.skipped = false, 0
			return nil, ErrTooLong
		case found && len(line) > 0:
			return line, nil
		case found:
			continue
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// Buffered tells whether Next has a line without reading.
func (r *Reader) Buffered() bool { return bytes.ContainsAny(r.Rest(), ends) }

// ends are what a line ends with.
const ends = "\r\n"

func (r *Reader) take() (line []byte, found bool) {
	i := bytes.IndexAny(r.buf[r.seen:r.end], ends)
	if i < 0 {
		r.seen = r.end
		return nil, false
	}
	line = r.buf[r.start : r.seen+i]
	r.start = r.seen + i + 1
	r.seen = r.start
	return line, true
}

func (r *Reader) fill() error {
	if r.end-r.start == len(r.buf) {
		r.skipping = true
	}
	if r.skipping {
		if r.skipped += r.end - r.start; r.skipped > maxSkip {
			return ErrFlood
		}
		r.start = r.end
	}
	r.end = copy(r.buf, r.buf[r.start:r.end])
	r.start, r.seen = 0, r.end
	n, err := r.src.Read(r.buf[r.end:])
	r.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// Rest is what was read from the source and not given as lines yet, without what is left of the end of the last one.
func (r *Reader) Rest() []byte { return bytes.TrimLeft(r.buf[r.start:r.end], ends) }
