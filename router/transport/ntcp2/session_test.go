package ntcp2

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
)

// A bare peer holds the keys of a session, and writes and reads its bytes by hand.
type barePeer struct {
	t    *testing.T
	conn net.Conn
	out  *frameCipher
	in   *frameCipher
}

// bare completes a handshake with to by hand, in the name of from.
func (p *pipes) bare(t *testing.T, from, to *router) *barePeer {
	t.Helper()
	conn := p.connect(t, to)
	s := newServer(t.Context(), from.transport, from)
	e, err := s.initiate(conn, to.self(), from.transport.targets(to.self())[0])
	if err != nil {
		t.Fatal(err)
	}
	receive(t, to.opened)
	return &barePeer{t, conn, newFrameCipher(&e.send), newFrameCipher(&e.receive)}
}

// frame seals a payload.
func (b *barePeer) frame(payload []byte) []byte {
	frame := make([]byte, lengthLen, lengthLen+len(payload)+tagLen)
	return b.out.seal(append(frame, payload...))
}

func (b *barePeer) write(raw []byte) {
	b.t.Helper()
	if _, err := b.conn.Write(raw); err != nil {
		b.t.Fatal(err)
	}
}

// next reads a frame.
func (b *barePeer) next() []byte {
	b.t.Helper()
	read := func(n int) []byte {
		raw := make([]byte, n)
		for at := 0; at < n; {
			got, err := b.conn.Read(raw[at:])
			if err != nil {
				b.t.Fatalf("read: %v", err)
			}
			at += got
		}
		return raw
	}
	payload, err := b.in.open(read(b.in.length(read(lengthLen))))
	if err != nil {
		b.t.Fatal(err)
	}
	return payload
}

// terminated reads frames until a Termination.
func (b *barePeer) terminated() (received uint64, reason transport.Reason) {
	b.t.Helper()
	for {
		for blocks := blocksOf(b.next()); blocks.next(); {
			if blocks.kind == blockTermination {
				received, reason, err := parseTermination(blocks.data)
				if err != nil {
					b.t.Fatal(err)
				}
				return received, reason
			}
		}
	}
}

func i2npBlock(b []byte, data []byte) []byte {
	return append(appendBlockHeader(b, blockI2NP, len(data)), data...)
}

func TestReaderTakesWhatTheSpecificationAllows(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		peer := p.bare(t, a, b)
		short := message(20, 7).Bytes()
		long := message(maxMessage-shortHeaderLen, 8).Bytes()
		var batches []int
		b.onBatch = func(n int) { batches = append(batches, n) }

		many := i2npBlock(i2npBlock(appendDateTime(nil, time.Now()), short), short)
		many = appendBlockHeader(many, 77, 0)  // unknown
		many = appendBlockHeader(many, 224, 5) // unknown
		many = append(many, 1, 2, 3, 4, 5)
		many = append(appendBlockHeader(many, blockOptions, 12), make([]byte, 12)...)
		many = appendPadding(i2npBlock(many, short), 0)
		one := peer.frame(many)
		peer.write(append(one, peer.frame(i2npBlock(nil, short))...)) // two frames, one read
		peer.write(peer.frame(nil))                                   // no block at all
		peer.write(peer.frame(appendPadding(nil, 10)))
		peer.write(peer.frame(i2npBlock(nil, long)))
		for _, c := range peer.frame(i2npBlock(nil, short)) { // byte for byte
			peer.write([]byte{c})
		}
		for _, want := range [][]byte{short, short, short, short, long, short} {
			if got := receive(t, b.messages); !bytes.Equal(got, want) {
				t.Fatalf("got %d bytes, want %d", len(got), len(want))
			}
		}
		synctest.Wait()
		if want := []int{4, 1, 1}; len(batches) != 3 || batches[0] != want[0] {
			t.Errorf("batches %v, want %v", batches, want)
		}
		peer.write(peer.frame(appendTermination(nil, 0, transport.ReasonShutdown)))
		var by *transport.Terminated
		if err := receive(t, b.closed); !errors.As(err, &by) || by.Reason != transport.ReasonShutdown {
			t.Fatalf("closed with %v", err)
		}
	})
}

func TestReaderEndsTheSessionOnWhatItMayNotTake(t *testing.T) {
	for name, tc := range map[string]struct {
		payload []byte
		want    transport.Reason
	}{
		"header cut":             {[]byte{3, 0}, transport.ReasonFormat},
		"block beyond the frame": {[]byte{3, 0, 10, 1, 2}, transport.ReasonFormat},
		"I2NP too short":         {i2npBlock(nil, make([]byte, shortHeaderLen-1)), transport.ReasonFormat},
		"block after padding":    {i2npBlock(appendPadding(nil, 1), make([]byte, 9)), transport.ReasonFormat},
		"two paddings":           {appendPadding(appendPadding(nil, 1), 1), transport.ReasonFormat},
		"termination too short":  {[]byte{4, 0, 1, 0}, transport.ReasonFormat},
		"DateTime too long":      {[]byte{0, 0, 5, 0, 0, 0, 0, 0}, transport.ReasonFormat},
		"DateTime too far":       {appendDateTime(nil, time.Now().Add(time.Hour)), transport.ReasonClockSkew},
		"RouterInfo empty":       {[]byte{2, 0, 0}, transport.ReasonFormat},
		"RouterInfo garbage":     {append([]byte{2, 0, 100}, make([]byte, 100)...), transport.ReasonFormat},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
				peer := p.bare(t, a, b)
				peer.write(peer.frame(nil))
				peer.write(peer.frame(tc.payload))
				if frames, reason := peer.terminated(); reason != tc.want || frames != 2 {
					t.Errorf("reason %d after %d frames, want %d after 2", reason, frames, tc.want)
				}
				if err := receive(t, b.closed); err == nil {
					t.Error("closed without a cause")
				}
			})
		})
	}
}

func TestForgedFrameEndsTheSessionLater(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		for _, raw := range [][]byte{
			nil,                     // a flipped bit of the ciphertext
			{0x00, 0x00, 0x00, 0x0}, // most likely a length beyond what follows, or below a tag
		} {
			peer := p.bare(t, a, b)
			if raw == nil {
				raw = peer.frame(appendPadding(nil, 20))
				raw[5] ^= 1
			} else {
				length := uint16(tagLen-1) ^ peer.out.mask()
				raw = []byte{byte(length >> 8), byte(length)}
			}
			start := time.Now()
			peer.write(raw)
			go peer.conn.Write(make([]byte, 2*maxProbeBytes))
			if _, reason := peer.terminated(); reason != transport.ReasonAEAD {
				t.Errorf("reason %d", reason)
			}
			if took := time.Since(start); took > maxProbeTime {
				t.Errorf("after %v", took)
			}
			if err := receive(t, b.closed); !errors.Is(err, errAEAD) {
				t.Errorf("closed with %v", err)
			}
			peer.conn.Close()
		}
	})
}

func TestWriterCoalesces(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		peer := p.bare(t, a, b)
		var s transport.Session
		for sn := range b.running().sessions {
			s = sn
		}
		const n = 100
		var msgs []*buf.Buf
		for range n {
			msgs = append(msgs, message(1028, 1))
		}
		if s.Send(msgs) != n {
			t.Fatal("not taken")
		}
		frames, total := 0, 0
		for total < n {
			payload := peer.next()
			frames++
			if len(payload) > frameTarget+blockHeaderLen+maxDataPadding {
				t.Errorf("frame of %d bytes", len(payload))
			}
			for blocks := blocksOf(payload); blocks.next(); {
				if blocks.kind == blockI2NP {
					total++
				}
			}
		}
		if frames > n/14 {
			t.Errorf("%d messages in %d frames", n, frames)
		}
	})
}

func TestPeersAreToldTimeAndNewRouterInfo(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		peer := p.bare(t, a, b)
		ri := b.self()
		var times, infos int
		count := func() {
			for blocks := blocksOf(peer.next()); blocks.next(); {
				switch blocks.kind {
				case blockDateTime:
					times++
					if v, err := parseDateTime(blocks.data); err != nil || skewed(skew(v, time.Now())) {
						t.Errorf("time %d, %v", v, err)
					}
				case blockRouterInfo:
					infos++
					got, _, err := parseRouterInfoBlock(blocks.data)
					if err != nil || !bytes.Equal(got.Bytes(), ri.Bytes()) {
						t.Errorf("RouterInfo %v", err)
					}
				}
			}
		}
		count() // the initiator's RouterInfo of the responder may be old
		if times != 1 || infos != 1 {
			t.Fatalf("%d times, %d infos", times, infos)
		}
		start := time.Now()
		count()
		if took := time.Since(start); times != 2 || infos != 1 || took < dateTimeInterval-sweepInterval || took > dateTimeInterval+sweepInterval {
			t.Fatalf("%d times, %d infos after %v", times, infos, took)
		}
		time.Sleep(time.Minute)
		b.sign(nil)
		ri = b.self()
		count()
		if infos != 2 {
			t.Fatalf("%d infos", infos)
		}
	})
}

func TestPeerThatDoesNotReadIsDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		p.bare(t, a, b)
		var s transport.Session
		for sn := range b.running().sessions {
			s = sn
		}
		start := time.Now()
		s.Send([]*buf.Buf{message(100, 0)})
		if err := receiveWithin(t, b.closed, time.Hour); err == nil {
			t.Error("closed without a cause")
		}
		if took := time.Since(start); took < maxWriteStall || took > maxWriteStall+2*sweepInterval {
			t.Errorf("after %v", took)
		}
		if b.transport.Stats().Stalled != 1 {
			t.Error("not counted")
		}
	})
}

func TestCloseFlushesAndDeliversTheReason(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		ours, _ := a.dial(b)
		var msgs []*buf.Buf
		for range 300 {
			msgs = append(msgs, message(1028, 3))
		}
		ours.Send(msgs)
		ours.Close(transport.ReasonIdle)
		if ours.Send([]*buf.Buf{message(1, 1)}) != 0 {
			t.Error("took after Close")
		}
		var by *transport.Terminated
		if err := receive(t, b.closed); !errors.As(err, &by) || by.Reason != transport.ReasonIdle {
			t.Errorf("closed with %v", err)
		}
		if len(b.messages) != 300 {
			t.Errorf("%d messages arrived", len(b.messages))
		}
		if err := receive(t, a.closed); err != nil {
			t.Errorf("our side closed with %v", err)
		}
	})
}

func TestServeEndsAllSessions(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pipes, a, b *router) {
		p.bare(t, a, b) // does not read: must not hold the shutdown up
		a.dial(b)
		s := b.running()
		start := time.Now()
		b.stop()
		if took := time.Since(start); took > shutdownFlush+closeLinger+time.Second {
			t.Errorf("after %v", took)
		}
		if len(s.sessions) != 0 {
			t.Error("sessions left")
		}
		if _, err := b.transport.Dial(t.Context(), a.self()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("dial after the end: %v", err)
		}
	})
}

// A limiter that lets a number of bytes a second pass.
type slowLimiter struct{ perSecond int }

func (l slowLimiter) WaitIn(context.Context, int) error { return nil }
func (l slowLimiter) WaitOut(ctx context.Context, n int) error {
	select {
	case <-time.After(time.Duration(n) * time.Second / time.Duration(l.perSecond)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestLimiterSlowsTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(pipes)
		a := newRouter(t, func(c *Config, d *Deps) {
			p.on("10.0.0.1:1")(c, d)
			c.Limiter = slowLimiter{10_000}
		})
		b := newRouter(t, p.on("10.0.0.2:2"))
		a.serve()
		b.serve()
		ours, _ := a.dial(b)
		start := time.Now()
		for range 100 {
			ours.Send([]*buf.Buf{message(1000, 1)})
		}
		for range 100 {
			receiveWithin(t, b.messages, time.Minute)
		}
		if took := time.Since(start); took < 10*time.Second || took > 12*time.Second {
			t.Errorf("100 KB took %v", took)
		}
	})
}
