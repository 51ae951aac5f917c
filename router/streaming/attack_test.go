package streaming_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/streaming"
)

// TestHoleOfManySeconds is i2pd 2.45: it repeats a lost packet up to 9 s later, and sends all the time.
func TestHoleOfManySeconds(t *testing.T) {
	const count = 6000
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		c, p := r.open(l)
		for seq := uint32(2); seq <= count; seq++ {
			r.send(data(p, seq, 0, fmt.Sprintf("%05d", seq)))
			if seq%10 == 0 {
				time.Sleep(10 * time.Millisecond)
			}
		}
		time.Sleep(time.Second)
		r.send(data(p, 1, 0, fmt.Sprintf("%05d", 1)))
		b := make([]byte, 5*count)
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatal(err)
		}
		for i := range count {
			if got, want := string(b[5*i:5*i+5]), fmt.Sprintf("%05d", i+1); got != want {
				t.Fatalf("read %s, want %s", got, want)
			}
		}
		if st := r.w.b.Stats(); st.Chokes > 0 || st.Drops[streaming.DropTooFar] > 0 || st.Drops[streaming.DropFull] > 0 {
			t.Errorf("%+v", st)
		}
		c.Close()
	})
}

// TestDuplicatesAreNoDeadPath is a timeout of the peer that was too short: a window that is repeated changes no path;
// silence after it does.
func TestDuplicatesAreNoDeadPath(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		c, p := r.open(l)
		go io.Copy(io.Discard, c)
		for round := range uint32(50) {
			for range 2 {
				for seq := 1 + 30*round; seq <= 30*(round+1); seq++ {
					r.send(data(p, seq, 0, "x"))
				}
			}
			time.Sleep(200 * time.Millisecond)
		}
		if n := r.w.sb.Count().Reroutes; n != 0 {
			t.Errorf("path was changed %d times", n)
		}
		r.all(time.Second)
		if n := r.w.sb.Count().Reroutes; n != 1 {
			t.Errorf("path was changed %d times in the silence", n)
		}
		r.send(data(p, 1500, 0, "x"))
		acks := r.all(2 * time.Second)
		if len(acks) < 2 || acks[len(acks)-1].AckThrough != 1500 {
			t.Errorf("%d acknowledgements in the silence: one at once, one by the new path", len(acks))
		}
		c.Close()
	})
}

// TestEmptyPacketsBehindAReaderThatSleeps: they cost a place each, as long as what was before them is not read.
func TestEmptyPacketsBehindAReaderThatSleeps(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		c, p := r.open(l)
		r.send(data(p, 1, 0, "unread"))
		for seq := uint32(2); seq < 10000; seq++ {
			r.send(data(p, seq, 0, ""))
		}
		r.all(time.Second)
		if drops(r.w, streaming.DropTooFar) < 7000 {
			t.Errorf("only %d of 10000 were dropped", drops(r.w, streaming.DropTooFar))
		}
		c.Close()
	})
}

// TestSignaturesOfOneConnection: each costs 50 us, so nobody may make us check thousands.
func TestSignaturesOfOneConnection(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, l *streaming.Listener) {
		c, p := r.open(l)
		forged := signed(r.keys, data(p, 1, 0, ""))
		forged.Flags |= streaming.FlagReset
		for range 1000 {
			r.send(forged)
		}
		r.all(time.Second)
		if n := drops(r.w, streaming.DropSignature); n > 30 {
			t.Errorf("%d signatures were checked", n)
		}
		p.Flags = streaming.FlagClose
		r.send(signed(r.keys, data(p, 1, 0, "")))
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the true CLOSE: %v", err)
		}
		c.Close()
	})
}

// TestLargeSYN: its payload may not be more than that of any packet, whatever tunnels would carry.
func TestLargeSYN(t *testing.T) {
	withRaw(t, func(t *testing.T, r *raw, _ *streaming.Listener) {
		p := r.syn(78)
		p.Payload = []byte(strings.Repeat("x", 30000))
		r.send(signed(r.keys, p))
		r.all(time.Second)
		if drops(r.w, streaming.DropMalformed) != 1 {
			t.Errorf("%+v", r.w.b.Stats())
		}
	})
}
