package socks_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"clove.i2p/proxies/socks"
)

// Everything is sent at once, and the end too: nothing is lost and the answer still comes.
func TestEarlyDataAndHalfClose(t *testing.T) {
	big := strings.Repeat("e", 200<<10) // more than is kept early
	for name, tt := range map[string]struct{ handshake, reply string }{
		"5":           {greet + request5("a.i2p"), "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
		"5, password": {greetBoth + login("u", "p") + request5("a.i2p"), "\x05\x02\x01\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
		"4a":          {request4("a.i2p", "u"), "\x00\x5a\x00\x00\x00\x00\x00\x00"},
	} {
		for _, data := range []string{"", "early", big} {
			t.Run(fmt.Sprint(name, " ", len(data)), func(t *testing.T) {
				f := start(t)
				c := f.dial(t, tt.handshake+data)
				if data == "" { // else its end before the dial would be a hang-up
					got := make([]byte, len(tt.reply))
					if _, err := io.ReadFull(c, got); string(got) != tt.reply {
						t.Fatalf("%x, %v", got, err)
					}
				}
				_ = c.CloseWrite()
				got, err := io.ReadAll(c)
				want := fmt.Sprintf("got %d %.40s", len(data), data)
				if data != "" {
					want = tt.reply + want
				}
				if string(got) != want || err != nil {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
			})
		}
	}
}

func TestServerSpeaksFirstAndCloses(t *testing.T) {
	f := start(t)
	f.serve = func(c net.Conn) { _, _ = io.WriteString(c, "banner") }
	c := f.dial(t, greet+request5("a.i2p"))
	got, err := io.ReadAll(c)
	if !strings.HasSuffix(string(got), "banner") || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestHangUpCancelsTheDial(t *testing.T) {
	for name, send := range map[string]string{"5": greet + request5("slow.i2p"), "4a": request4("slow.i2p", "")} {
		f := start(t)
		_ = f.dial(t, send).Close()
		select {
		case <-f.gone:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the dial goes on", name)
		}
	}
}

func TestResetAfterEarlyDataCancelsTheDial(t *testing.T) {
	f := start(t)
	c := f.dial(t, greet+request5("slow.i2p")+"early")
	<-f.dialing
	_ = c.SetLinger(0)
	_ = c.Close()
	select {
	case <-f.gone:
	case <-time.After(10 * time.Second):
		t.Fatal("the dial goes on")
	}
}

func TestSlowHandshakeIsCutOff(t *testing.T) {
	f := start(t, func(c *socks.Config) { c.HandshakeTimeout = 100 * time.Millisecond })
	for _, part := range []string{
		"", "\x05", "\x05\x02\x00", greet, greet + "\x05\x01", greetBoth + "\x01\x05al",
		"\x04\x01", "\x04\x01\x00\x50\x00\x00\x00\x01user",
	} {
		if _, err := io.ReadAll(f.dial(t, part)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%x: still open: %v", part, err)
		}
	}
}

func TestIdleTunnelEnds(t *testing.T) {
	f := start(t, func(c *socks.Config) { c.Idle = 100 * time.Millisecond })
	ended := make(chan error, 1)
	f.serve = func(c net.Conn) {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	}
	c := f.dial(t, greet+request5("a.i2p"))
	_, _ = io.ReadAll(c)
	if err := <-ended; err == nil {
		t.Error("stream is open")
	}
}

func TestPanicOfTheDialerEndsOneConnection(t *testing.T) {
	f := start(t)
	_, _ = io.ReadAll(f.dial(t, greet+request5("panic.i2p")))
	_, _ = io.ReadAll(f.dial(t, request4("panic.i2p", "")))
	if got, _ := io.ReadAll(f.dial(t, greet+request5("unknown.i2p"))); len(got) != 12 {
		t.Errorf("got %x", got)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	f := start(t)
	f.dial(t, "")
	f.dial(t, greet)
	f.dial(t, greet+request5("slow.i2p"))
	c := f.dial(t, greet+request5("a.i2p"))
	if _, err := io.ReadFull(c, make([]byte, 12)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := f.stop(); err != nil {
		t.Error(err)
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
	if n := f.server.Stats().Active; n != 0 {
		t.Errorf("%d active", n)
	}
}

func TestConnectionsBeyondTheLimitWait(t *testing.T) {
	f := start(t, func(c *socks.Config) { c.MaxConnections = 1 })
	first := f.dial(t, greet)
	if _, err := io.ReadFull(first, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	second := f.dial(t, greet)
	_ = first.Close()
	if _, err := io.ReadFull(second, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if s := f.server.Stats(); s.Accepted != 2 || s.Active != 1 {
		t.Errorf("%+v", s)
	}
}
