package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound the life of a relay that moves nothing.
type Limits struct {
	// Idle is for both directions together, Linger for the one that is left when the other has ended.
	Idle   time.Duration
	Linger time.Duration
}

// Join moves bytes in both directions until both have ended, one has failed, a limit is reached or ctx ends; then
// both connections are closed. An end is passed on as an end of that direction only. An application sees a stream
// that broke as a reset, not as a clean end. sent counts the bytes from client to stream, received the others.
func Join(ctx context.Context, client, stream net.Conn, limits Limits, sent, received *atomic.Uint64) {
	closeBoth := func() {
		_ = stream.Close()
		_ = client.Close()
	}
	defer closeBoth()
	defer context.AfterFunc(ctx, closeBoth)()
	dog := NewWatchdog(limits.Idle, closeBoth)
	defer dog.Stop()

	moved := func(total *atomic.Uint64) func(int) {
		return func(n int) {
			dog.Touch()
			total.Add(uint64(n))
		}
	}
	half := func(dst, src net.Conn, total *atomic.Uint64) {
		switch err := copyAll(dst, src, moved(total)); {
		case err == nil:
			_ = CloseWrite(dst)
			dog.Shorten(limits.Linger)
		case errors.Is(err, errSource) && total == received:
			abort(client)
			_ = stream.Close()
		default:
			closeBoth()
		}
	}
	var down sync.WaitGroup
	down.Go(func() { half(client, stream, received) })
	half(stream, client, sent)
	down.Wait()
}

var errSource = errors.New("source broke")

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// copyAll copies until src ends. An error of src unwraps to errSource.
func copyAll(dst io.Writer, src io.Reader, moved func(n int)) error {
	b := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(b)
	for {
		n, err := src.Read(b[:])
		if n > 0 {
			moved(n)
			if _, err := dst.Write(b[:n]); err != nil {
				return err
			}
			moved(0)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.Join(errSource, err)
		}
	}
}

// Copy is io.Copy with a pooled buffer and no short cuts: every read becomes a write at once.
func Copy(dst io.Writer, src io.Reader) (int64, error) {
	var total int64
	err := copyAll(dst, src, func(n int) { total += int64(n) })
	return total, err
}
