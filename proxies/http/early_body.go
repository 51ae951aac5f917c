package http

import (
	"errors"
	"io"
	"sync"
)

// earlyReader reads a request's body ahead while the stream is dialed. net/http notices that a client has gone only
// once the body has been read.
type earlyReader struct {
	body io.ReadCloser

	mu     sync.Mutex
	moved  sync.Cond
	early  []byte
	err    error
	ahead  bool // a goroutine is reading
	direct bool // and should leave it
}

// readAhead calls gone if the client hangs up before the body has ended.
func readAhead(body io.ReadCloser, gone func()) *earlyReader {
	b := &earlyReader{body: body, ahead: true}
	b.moved.L = &b.mu
	go func() {
		p := make([]byte, 4<<10)
		for b.readOnce(p, gone) {
		}
	}()
	return b
}

func (b *earlyReader) readOnce(p []byte, gone func()) bool {
	n, err := b.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		gone()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.early = append(b.early, p[:n]...)
	b.err = err
	b.ahead = err == nil && !b.direct && len(b.early) < earlyBody
	b.moved.Broadcast()
	return b.ahead
}

func (b *earlyReader) Read(p []byte) (int, error) {
	b.mu.Lock()
	b.direct = true
	for len(b.early) == 0 && b.ahead {
		b.moved.Wait()
	}
	n, err := copy(p, b.early), b.err
	b.early = b.early[n:]
	b.mu.Unlock()
	switch {
	case n > 0:
		return n, nil
	case err != nil:
		return 0, err
	}
	return b.body.Read(p)
}

// Close leaves the body to net/http.
func (b *earlyReader) Close() error { return nil }

// wait returns when nothing reads ahead any more: after the body's deadline at the latest.
func (b *earlyReader) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.direct = true
	for b.ahead {
		b.moved.Wait()
	}
}
