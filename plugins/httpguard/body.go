package httpguard

import (
	"errors"
	"math"
)

// errBody: a chunked body that no two readers would end at the same place.
var errBody = errors.New("httpguard: malformed chunked body")

// body follows a request's body to its end.
type body struct {
	left    int64 // bytes of it, or of the current chunk; math.MaxInt64 without end
	chunked bool
	step    chunkStep
	digits  int
	line    int // bytes of the current line or of the trailers
	ending  int // of "\r\n\r\n", how much was seen
}

type chunkStep int

const (
	chunkSize chunkStep = iota
	chunkExtension
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	chunkTrailer
	chunkEnd
)

func bodyOf(h Head) body {
	switch {
	case h.Upgrade:
		return body{left: math.MaxInt64}
	case h.Chunked:
		return body{chunked: true}
	}
	return body{left: h.Length}
}

func (b *body) done() bool {
	if b.chunked {
		return b.step == chunkEnd
	}
	return b.left == 0
}

func (b *body) endless() bool { return !b.chunked && b.left == math.MaxInt64 }

// take returns how many of the bytes in p belong to the body.
func (b *body) take(p []byte) (int, error) {
	if b.endless() {
		return len(p), nil
	}
	if !b.chunked {
		n := min(int64(len(p)), b.left)
		b.left -= n
		return int(n), nil
	}
	n := 0
	for n < len(p) && b.step != chunkEnd {
		if b.step == chunkData {
			k := min(int64(len(p)-n), b.left)
			n += int(k)
			if b.left -= k; b.left == 0 {
				b.step = chunkDataCR
			}
			continue
		}
		if err := b.byte(p[n]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// byte takes one that is not data.
func (b *body) byte(c byte) error {
	if b.line++; b.line > chunkLine && b.step != chunkTrailer {
		return errBody
	}
	switch b.step {
	case chunkSize:
		if d := hexDigit(c); d >= 0 {
			if b.digits++; b.digits > 15 {
				return errBody
			}
			b.left = b.left<<4 | int64(d)
			return nil
		}
		if b.digits == 0 {
			return errBody
		}
		switch c {
		case '\r':
			b.step = chunkSizeLF
		case ';', ' ', '\t':
			b.step = chunkExtension
		default:
			return errBody
		}
	case chunkExtension:
		switch c {
		case '\r':
			b.step = chunkSizeLF
		case '\n':
			return errBody
		}
	case chunkSizeLF:
		if c != '\n' {
			return errBody
		}
		if b.step, b.line, b.digits = chunkData, 0, 0; b.left == 0 {
			b.step, b.ending = chunkTrailer, 2
		}
	case chunkDataCR:
		if c != '\r' {
			return errBody
		}
		b.step = chunkDataLF
	case chunkDataLF:
		if c != '\n' {
			return errBody
		}
		b.step, b.line = chunkSize, 0
	case chunkTrailer:
		return b.trailer(c)
	}
	return nil
}

// trailer ends at an empty line.
func (b *body) trailer(c byte) error {
	if b.line > trailerBytes {
		return errBody
	}
	switch {
	case c == "\r\n\r\n"[b.ending]:
		if b.ending++; b.ending == 4 {
			b.step = chunkEnd
		}
	case c == '\n' || c == '\r' || b.ending == 1 || b.ending == 3:
		return errBody
	default:
		b.ending = 0
	}
	return nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
