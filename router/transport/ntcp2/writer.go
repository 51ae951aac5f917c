package ntcp2

import (
	"context"
	"crypto/rand"
	randv2 "math/rand/v2"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
)

// A writer turns messages into frames. It is the state of one goroutine.
type writer struct {
	s      *session
	cipher *frameCipher
	random *randv2.ChaCha8 // lengths of padding
	work   work
	frame  int // where the open frame starts in out
	out    []byte
}

func newWriter(s *session, k *directionKeys) *writer {
	var seed [32]byte
	rand.Read(seed[:])
	return &writer{s: s, cipher: newFrameCipher(k), random: randv2.NewChaCha8(seed)}
}

// run sends until the session closes or its connection is gone.
func (w *writer) run(ctx context.Context) error {
	for w.s.queue.take(&w.work, writeBatch) {
		err := w.flush(ctx)
		if err != nil || w.work.closing {
			return err
		}
		w.work = work{msgs: w.work.msgs[:0]}
	}
	return nil
}

// flush seals one batch of work into frames and writes them at once.
func (w *writer) flush(ctx context.Context) error {
	b := w.buffer()
	defer b.Release()
	w.out = b.Extend(b.TailRoom())[:0]
	sent := w.build()
	if err := w.s.wait(ctx, len(w.out)); err != nil {
		return err
	}
	start := time.Since(w.s.since)
	w.s.writing.Store(max(int64(start), 1))
	_, err := w.s.conn.Write(w.out)
	w.s.writing.Store(0)
	w.s.bytesOut.Add(uint64(len(w.out)))
	if sent > 0 {
		w.s.messagesOut.Add(uint64(sent))
		w.s.active.Store(int64(start))
	}
	return err
}

// buffer is large enough for the work.
func (w *writer) buffer() *buf.Buf {
	size := len(w.work.routerInfo) + writeOverhead
	for _, m := range w.work.msgs {
		size += blockHeaderLen + m.Len()
	}
	if size > maxFrame { // as one frame of one message
		size = maxFrame
	}
	return buf.GetFor(size)
}

// build appends frames to out and releases the messages. It returns their number.
func (w *writer) build() int {
	w.begin()
	if w.work.dateTime {
		w.out = appendDateTime(w.out, w.s.clock.Now())
	}
	if ri := w.work.routerInfo; ri != nil {
		w.out = appendBlockHeader(w.out, blockRouterInfo, 1+len(ri))
		w.out = append(append(w.out, 0), ri...)
	}
	for i, m := range w.work.msgs {
		if used := w.used(); used > 0 && used+blockHeaderLen+m.Len() > frameTarget {
			w.end()
			w.begin()
		}
		w.out = appendBlockHeader(w.out, blockI2NP, m.Len())
		w.out = append(w.out, m.Bytes()...)
		m.Release()
		w.work.msgs[i] = nil
	}
	if w.work.closing {
		w.out = appendTermination(w.out, w.s.framesIn.Load(), w.work.reason)
	}
	w.end()
	return len(w.work.msgs)
}

func (w *writer) begin() {
	w.frame = len(w.out)
	w.out = append(w.out, 0, 0)
}

// used is the length of the open frame's payload.
func (w *writer) used() int { return len(w.out) - w.frame - lengthLen }

// end pads and seals the open frame. The random length hides the length of a single message; in a long frame a few bytes do.
func (w *writer) end() {
	room := min(cap(w.out)-len(w.out)-tagLen, maxPayload-w.used()) - blockHeaderLen
	if most := min(room, maxDataPadding); most >= 0 {
		w.out = appendPadding(w.out, int(w.random.Uint64()%uint64(most+1)))
	}
	sealed := w.cipher.seal(w.out[w.frame:])
	w.out = w.out[:w.frame+len(sealed)]
}

// terminate sends a single Termination, for a handshake that was refused after it was complete.
func (w *writer) terminate(ctx context.Context, reason transport.Reason) error {
	w.work = work{closing: true, reason: reason}
	return w.flush(ctx)
}
