package ntcp2

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
)

func testKeys() *directionKeys {
	return &directionKeys{cipher: [32]byte{1}, sip1: 2, sip2: 3, sipIV: [8]byte{4}}
}

func TestFramesAreInOrder(t *testing.T) {
	out, in := newFrameCipher(testKeys()), newFrameCipher(testKeys())
	for i := range 100 {
		frame := out.seal(append(make([]byte, lengthLen, 1000), bytes.Repeat([]byte{byte(i)}, i)...))
		if n := in.length(frame); n != i+tagLen {
			t.Fatalf("frame %d: length %d", i, n)
		}
		payload, err := in.open(frame[lengthLen:])
		if err != nil || len(payload) != i {
			t.Fatalf("frame %d: %d bytes, %v", i, len(payload), err)
		}
	}
	skipped := out.seal(make([]byte, lengthLen, 100))
	_ = skipped
	next := out.seal(make([]byte, lengthLen, 100))
	if _, err := in.open(next[lengthLen:]); err != errAEAD {
		t.Fatalf("a frame was skipped: %v", err)
	}
}

// A sink of frames that does nothing.
type nullConn struct{ net.Conn }

func (nullConn) Write(b []byte) (int, error)      { return len(b), nil }
func (nullConn) SetWriteDeadline(time.Time) error { return nil }

func testSession(conn net.Conn) *session {
	return &session{clock: clock.New(), registry: discard{}, conn: conn, queue: newSendQueue(DefaultSendQueue, new(atomic.Int64))}
}

// sealBatch sends n messages through a queue and a writer.
func sealBatch(tb testing.TB, w *writer, batch []*buf.Buf, n, size int) {
	batch = batch[:0]
	for range n {
		b := buf.GetFor(shortHeaderLen + size)
		b.Extend(shortHeaderLen + size)
		batch = append(batch, b)
	}
	if w.s.queue.put(batch) != n {
		tb.Fatal("not taken")
	}
	for left := n; left > 0; {
		w.work = work{msgs: w.work.msgs[:0]}
		w.s.queue.take(&w.work, writeBatch)
		left -= len(w.work.msgs)
		if err := w.flush(context.Background()); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestSealDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	w := newWriter(testSession(nullConn{}), testKeys())
	batch := make([]*buf.Buf, 0, 64)
	for _, n := range []int{1, 50} {
		sealBatch(t, w, batch, n, 1028)
		if allocs := testing.AllocsPerRun(200, func() { sealBatch(t, w, batch, n, 1028) }); allocs > 0 {
			t.Errorf("%d messages: %v allocations", n, allocs)
		}
	}
}

func TestOpenDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	out := newFrameCipher(testKeys())
	r := newReader(testSession(nullConn{}), testKeys(), nil)
	frame := make([]byte, 0, 20000)
	open := func() {
		frame = frame[:lengthLen]
		for range 15 {
			frame = appendBlockHeader(frame, blockI2NP, 1037)
			frame = frame[:len(frame)+1037]
		}
		frame = out.seal(appendPadding(frame, 10))
		r.lastRead = idleRead // busy
		r.makeRoom()
		r.end += copy(r.mem[r.end:], frame)
		if err := r.frames(); err != nil {
			t.Fatal(err)
		}
		if len(r.batch) != 15 {
			t.Fatalf("%d messages", len(r.batch))
		}
		r.deliver()
	}
	open()
	if allocs := testing.AllocsPerRun(200, open); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, n := range []int{1, 14, 56} {
		b.Run(fmt.Sprintf("messages=%d", n), func(b *testing.B) {
			w := newWriter(testSession(nullConn{}), testKeys())
			batch := make([]*buf.Buf, 0, 64)
			b.SetBytes(int64(n) * 1037)
			b.ReportAllocs()
			for b.Loop() {
				sealBatch(b, w, batch, n, 1028)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1, 15} {
		b.Run(fmt.Sprintf("messages=%d", n), func(b *testing.B) {
			frame := make([]byte, lengthLen, 20000)
			for range n {
				frame = appendBlockHeader(frame, blockI2NP, 1037)
				frame = frame[:len(frame)+1037]
			}
			sealed := newFrameCipher(testKeys()).seal(frame)
			r := newReader(testSession(nullConn{}), testKeys(), nil)
			fresh := *r.cipher
			b.SetBytes(int64(n) * 1037)
			b.ReportAllocs()
			for b.Loop() {
				*r.cipher = fresh
				r.lastRead = idleRead
				r.makeRoom()
				r.end += copy(r.mem[r.end:], sealed)
				if err := r.frames(); err != nil {
					b.Fatal(err)
				}
				r.deliver()
			}
		})
	}
}

// BenchmarkLoopback sends tunnel messages over a TCP connection: writer and reader each on a goroutine.
func BenchmarkLoopback(b *testing.B) {
	for _, n := range []int{1, 14, 128} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			from, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			to, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			out, in := testSession(from), testSession(to)
			out.shutdown = make(chan struct{})
			w, r := newWriter(out, testKeys()), newReader(in, testKeys(), nil)
			go out.write(context.Background(), w)
			end := make(chan error)
			go func() { end <- r.run(context.Background()) }()
			batch := make([]*buf.Buf, 0, n)
			b.SetBytes(int64(n) * 1037)
			b.ReportAllocs()
			for b.Loop() {
				batch = batch[:0]
				for range n {
					m := buf.Get()
					m.Extend(1037)
					batch = append(batch, m)
				}
				for {
					if queued, _ := out.queue.status(); queued+n <= DefaultSendQueue {
						break
					}
					runtime.Gosched()
				}
				out.queue.put(batch)
			}
			for out.messagesOut.Load() != in.messagesIn.Load() {
				runtime.Gosched()
			}
			from.Close()
			if err := <-end; err != io.EOF {
				b.Log(err)
			}
			out.queue.kill()
		})
	}
}
