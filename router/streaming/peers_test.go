package streaming_test

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/streaming"
)

func plain(p streaming.Packet) bool { return p.Sequence == 0 && p.Flags&streaming.FlagSynchronize == 0 }

func TestAckBeyondSentIsIgnored(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		c, p := r.open(l)
		c.Write([]byte("one"))
		r.all(100 * time.Millisecond)
		r.send(data(p, 0, 1<<30, ""))
		time.Sleep(100 * time.Millisecond)
		if drops(r.w, streaming.DropBadAck) != 1 {
			t.Error("not counted")
		}
		r.wait("repetition of what was not acknowledged", func(p streaming.Packet) bool { return p.Sequence == 1 })
		r.send(data(p, 0, 1, ""))
		if got := r.all(5 * time.Second); len(got) > 2 {
			t.Errorf("after the true acknowledgement: %d packets", len(got))
		}
	})
}

func TestNACKFloodCausesNoFlood(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		c, p := r.open(l)
		c.Write(make([]byte, 10*1812))
		sent := len(r.all(300 * time.Millisecond))
		var list []uint32
		for i := range uint32(255) {
			list = append(list, i)
		}
		for range 1000 {
			q := data(p, 0, 10, "")
			q.NACKs = nacks(list...)
			r.send(q)
		}
		if again := len(r.all(time.Second)); again > 2*sent {
			t.Errorf("1000 packets of NACKs made us send %d packets again, after %d", again, sent)
		}
	})
}

func TestHoleIsReportedAtOnce(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		_, p := r.open(l)
		r.send(data(p, 1, 0, "a"))
		if got := r.next(); !plain(got) || got.AckThrough != 1 || len(got.NACKs) != 0 {
			t.Errorf("%+v", got)
		}
		start := time.Now()
		r.send(data(p, 4, 0, "d"))
		got := r.next()
		if got.AckThrough != 4 || string(got.NACKs) != string(nacks(2, 3)) {
			t.Errorf("%+v", got)
		}
		if d := time.Since(start); d > 100*time.Millisecond {
			t.Errorf("reported after %v, a round trip is 100 ms", d)
		}
		r.send(data(p, 2, 0, "b"))
		if got := r.next(); got.AckThrough != 4 || string(got.NACKs) != string(nacks(3)) {
			t.Errorf("%+v", got)
		}
	})
}

func TestAcknowledgementsAreFew(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		_, p := r.open(l)
		for i := range uint32(100) {
			r.send(data(p, 1+i, 0, "x"))
		}
		got := r.all(time.Second)
		if len(got) > 50 {
			t.Errorf("%d acknowledgements for 100 packets", len(got))
		}
		if last := got[len(got)-1]; last.AckThrough != 100 {
			t.Errorf("last: %+v", last)
		}
	})
}

func TestImmediateAckIsGiven(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		_, p := r.open(l)
		p.Flags = streaming.FlagDelayRequested // i2pd: with data, and alone after 7.5 s to see that we are there
		for seq := range uint32(2) {
			start := time.Now()
			r.send(data(p, 1-seq, 0, ""))
			if got := r.next(); !plain(got) || got.Flags != 0 || time.Since(start) > 100*time.Millisecond {
				t.Errorf("after %v: %+v", time.Since(start), got)
			}
		}
	})
}

func TestUnlimitedHolesKeepTheNACKCountInOneByte(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		c, p := r.open(l)
		for i := uint32(2); i <= 700; i += 2 {
			r.send(data(p, i, 0, "e"))
		}
		got := r.all(time.Second)
		last := got[len(got)-1]
		if len(last.NACKs) != 4*255 || last.AckThrough != 510 {
			t.Errorf("%d NACKs, through %d", len(last.NACKs)/4, last.AckThrough)
		}
		for i := uint32(1); i <= 699; i += 2 {
			r.send(data(p, i, 0, "o"))
		}
		text := make([]byte, 700)
		c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.ReadFull(c, text); err != nil || string(text) != strings.Repeat("oe", 350) {
			t.Errorf("%v %q", err, text)
		}
	})
}

func TestTooFarAheadIsDropped(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		_, p := r.open(l)
		for _, seq := range []uint32{1025, 5000, 1 << 31, 1<<32 - 1} {
			before := drops(r.w, streaming.DropTooFar)
			r.send(data(p, seq, 0, "x"))
			r.all(200 * time.Millisecond)
			if drops(r.w, streaming.DropTooFar) != before+1 {
				t.Errorf("sequence number %d was taken", seq)
			}
		}
	})
}

func TestForgedEndIsIgnored(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		c, p := r.open(l)
		for _, f := range []streaming.Flags{streaming.FlagClose, streaming.FlagReset} {
			q := data(p, 1, 0, "")
			q.Flags = f
			r.send(q)
			r.send(signed(destinations()[3], q))
			q.Flags |= streaming.FlagFromIncluded
			q.From = destinations()[3].Destination
			r.send(signed(destinations()[3], q))
		}
		time.Sleep(time.Second)
		if n := drops(r.w, streaming.DropSignature); n != 6 {
			t.Errorf("%d of 6 forgeries noticed", n)
		}
		r.send(data(p, 1, 0, "alive"))
		got := make([]byte, 5)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "alive" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestResetEndsTheStreamWhateverItsNumber(t *testing.T) {
	for _, seq := range []uint32{0, 1, 99} { // Java 0, clove the next one
		withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
			c, p := r.open(l)
			p.Flags = streaming.FlagReset
			r.send(signed(r.keys, data(p, seq, 0, "")))
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, streaming.ErrReset) {
				t.Errorf("read: %v", err)
			}
			if _, err := c.Write([]byte("x")); !errors.Is(err, streaming.ErrReset) {
				t.Errorf("write: %v", err)
			}
		})
	}
}

// TestPeerThatForgetsOnClose is i2pd: it answers CLOSE with one CLOSE and does not know the stream any more.
func TestPeerThatForgetsOnClose(t *testing.T) {
	for _, lost := range []bool{false, true} {
		withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
			c, p := r.open(l)
			c.Write([]byte("bye"))
			c.Close()
			fin := r.wait("CLOSE", func(p streaming.Packet) bool { return p.Flags&streaming.FlagClose != 0 })
			if string(fin.Payload) == "bye" || !verifies(fin, r.w.kb.Destination) {
				t.Errorf("%+v", fin)
			}
			if lost {
				r.send(data(p, 0, fin.Sequence-1, ""))
			} else {
				p.Flags = streaming.FlagClose
				r.send(signed(r.keys, data(p, 1, fin.Sequence, "")))
			}
			got := r.all(time.Minute)
			if len(got) > 12 {
				t.Errorf("%d packets after CLOSE", len(got))
			}
			if n := r.w.b.Stats().Conns; n != 0 {
				t.Errorf("lost %v: %d connections are left", lost, n)
			}
		})
	}
}

// TestPeerThatClosesAndForgets is i2pd as well: it sends CLOSE until anything is acknowledged, and no RESET later.
func TestPeerThatClosesAndForgets(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		c, p := r.open(l)
		p.Flags = streaming.FlagClose
		r.send(signed(r.keys, data(p, 1, 0, "the end")))
		if got := readAll(t, c); string(got) != "the end" {
			t.Errorf("%q", got)
		}
		if ack := r.next(); ack.AckThrough != 1 {
			t.Errorf("CLOSE is not acknowledged: %+v", ack)
		}
		c.Write([]byte("too late"))
		c.Close()
		time.Sleep(time.Minute)
		if n := r.w.b.Stats().Conns; n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

// TestChokeWithoutEnd is i2pd: it says 60000 or 65535 once and does not say when it is over.
func TestChokeWithoutEnd(t *testing.T) {
	for _, delay := range []uint16{60000, 60001, 61000, 65535} {
		withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
			c, p := r.open(l)
			go c.Write(make([]byte, 50*1812))
			r.all(time.Second)
			choke := data(p, 0, 3, "")
			choke.Flags, choke.Delay = streaming.FlagDelayRequested, delay
			r.send(choke)
			got := r.all(5 * time.Second)
			if len(got) == 0 || len(got) > 8 {
				t.Errorf("delay %d: %d packets in 5 s of choking", delay, len(got))
			}
			r.send(data(p, 0, 8, ""))
			if got := r.all(time.Second); len(got) < 3 {
				t.Errorf("delay %d: %d packets after progress", delay, len(got))
			}
		})
	}
}

// TestDataBeforeSYNReply is an i2pd server whose reply is late: its data must not open the stream, nor be lost.
func TestDataBeforeSYNReply(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, _ *streaming.Listener) {
		conns := make(chan *streaming.Conn, 1)
		go func() {
			c, err := r.w.a.Dial(r.w.ctx, r.keys.Destination, 80)
			if err != nil {
				t.Error(err)
			}
			conns <- c
		}()
		syn := r.next()
		p := streaming.Packet{SendStream: syn.ReceiveStream, ReceiveStream: 9}
		r.sendTo(r.w.ka, data(p, 1, 0, "b"))
		r.sendTo(r.w.ka, data(p, 0, 0, "")) // its acknowledgement
		time.Sleep(time.Second)
		select {
		case <-conns:
			t.Fatal("open without a signed reply")
		default:
		}
		p.Flags = synFlags &^ streaming.FlagSignatureIncluded
		p.From, p.MaxPacketSize = r.keys.Destination, 1812
		r.sendTo(r.w.ka, signed(r.keys, data(p, 0, 0, "a")))
		c := <-conns
		got := make([]byte, 2)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "ab" {
			t.Errorf("%q, %v", got, err)
		}
		c.Close()
	})
}

// TestFirstDataBringsTheReplyAlong: if i2pd gets data without our SYN reply it ends the stream after 200 ms.
func TestFirstDataBringsTheReplyAlong(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		r.send(signed(r.keys, r.syn(77)))
		c, _ := l.AcceptStream()
		c.Write([]byte("welcome"))
		got := r.all(200 * time.Millisecond)
		if len(got) != 3 || got[1].Flags != synFlags || string(got[2].Payload) != "welcome" {
			t.Errorf("%+v", got)
		}
	})
}

func TestPingWithoutSignatureIsNotAnswered(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, _ *streaming.Listener) {
		p := streaming.Packet{
			SendStream: 5, Flags: streaming.FlagEcho | streaming.FlagFromIncluded, From: r.keys.Destination,
			Payload: []byte(strings.Repeat("p", 40)),
		}
		r.send(p)
		if got := r.all(time.Second); len(got) > 0 {
			t.Errorf("%+v", got)
		}
		r.send(signed(r.keys, p))
		pong := r.next()
		if pong.SendStream != 0 || pong.ReceiveStream != 5 || pong.Flags != streaming.FlagEcho ||
			string(pong.Payload) != strings.Repeat("p", 32) {
			t.Errorf("%+v", pong)
		}
		for range 100 {
			r.send(signed(r.keys, p))
		}
		if got := r.all(time.Second); len(got) > 11 {
			t.Errorf("100 pings were answered by %d pongs", len(got))
		}
	})
}

func TestOpenerThatNeverAnswersIsForgotten(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		r.send(signed(r.keys, r.syn(77)))
		got := r.all(time.Minute)
		if len(got) > 9 {
			t.Errorf("%d SYN replies", len(got))
		}
		if n := r.w.b.Stats().Conns; n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

// TestWritesAfterTheEndOfThePeerFail: an i2pd that closed says nothing any more.
func TestWritesAfterTheEndOfThePeerFail(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		c, p := r.open(l)
		p.Flags = streaming.FlagClose
		r.send(signed(r.keys, data(p, 1, 0, "")))
		readAll(t, c)
		start := time.Now()
		var err error
		for err == nil && time.Since(start) < time.Minute {
			_, err = c.Write([]byte("hello?"))
			time.Sleep(time.Second)
		}
		if !errors.Is(err, streaming.ErrReset) {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestFullBacklogRefuses(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		n := streaming.DefaultConfig().Backlog
		refused := 0
		for id := range streaming.StreamID(n + 20) {
			r.send(signed(r.keys, r.syn(1000+id)))
			for _, p := range r.all(200 * time.Millisecond) {
				if p.Flags&streaming.FlagReset != 0 {
					refused++
				}
			}
		}
		if refused == 0 && drops(r.w, streaming.DropOverload) == 0 {
			t.Errorf("nothing was refused: %+v", r.w.b.Stats())
		}
	})
}

// TestHeldPacketsAreBounded: one destination opens many streams and leaves a hole at the begin of each.
func TestHeldPacketsAreBounded(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		go func() {
			for {
				if _, err := l.Accept(); err != nil {
					return
				}
			}
		}()
		for id := range streaming.StreamID(60) {
			r.send(signed(r.keys, r.syn(1000+id)))
			reply := r.wait("reply", func(p streaming.Packet) bool { return p.SendStream == 1000+id })
			p := streaming.Packet{SendStream: reply.ReceiveStream, ReceiveStream: 1000 + id}
			for seq := range uint32(1000) {
				r.send(data(p, 2+seq, 0, "held"))
			}
			r.all(150 * time.Millisecond)
		}
		if n := r.w.b.Stats().Held; n < 20000 || n > 30000 {
			t.Errorf("%d of 60000 packets are held", n)
		}
	})
}

// TestHalfCloseSparesAnswers: i2pd (9) and emissary (0) end a stream on CLOSE, so it has to wait for their answer.
func TestHalfCloseSparesAnswers(t *testing.T) {
	isClose := func(p streaming.Packet) bool { return p.Flags&streaming.FlagClose != 0 }
	for _, delay := range []uint8{0, 1, 2, 9} {
		withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
			syn := r.syn(77)
			syn.ResendDelay = delay
			r.send(signed(r.keys, syn))
			p := streaming.Packet{SendStream: r.next().ReceiveStream, ReceiveStream: 77}
			c, _ := l.AcceptStream()
			c.Write([]byte("question"))
			c.CloseWrite()
			if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("write after CloseWrite: %v", err)
			}
			at := time.Duration(-1)
			for i := range uint32(5) {
				if slices.ContainsFunc(r.all(10*time.Second), isClose) && at < 0 {
					at = time.Duration(10*i) * time.Second
				}
				r.send(data(p, 1+i, 1, "answer"))
			}
			if waits := delay == 0 || delay == 9; waits != (at < 0) {
				t.Errorf("resend delay %d: CLOSE after %v", delay, at)
			}
			if delay == 9 { // the end of the peer ends the wait
				p.Flags = streaming.FlagClose
				r.send(signed(r.keys, data(p, 6, 1, "")))
				if !slices.ContainsFunc(r.all(time.Second), isClose) {
					t.Error("no CLOSE after that of the peer")
				}
			}
			if delay == 0 {
				start := time.Now()
				r.wait("CLOSE", isClose)
				if d := time.Since(start); d < 14*time.Second || d > 16*time.Second {
					t.Errorf("CLOSE after %v of silence", d)
				}
			}
			c.Close()
		})
	}
}
