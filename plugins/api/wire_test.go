package api_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"clove.i2p/plugins/api"
)

// By hand, from plugin.proto.
const (
	goldenPreamble = "CLVP\x01\x00\x00\x00" + "0123456789abcdef0123456789ABCDEF"
	goldenFrame    = "\x00\x0d" + "\x07" + "a.i2p:7" + "hello"
)

func TestPreambleIsAsInTheContract(t *testing.T) {
	ticket := api.Ticket([]byte("0123456789abcdef0123456789ABCDEF"))
	if got := api.AppendPreamble(nil, ticket); string(got) != goldenPreamble {
		t.Fatalf("got %q", got)
	}
	r := strings.NewReader(goldenPreamble + "stream")
	got, err := api.ReadPreamble(iotest.OneByteReader(r))
	if err != nil || got != ticket {
		t.Fatalf("got %q, %v", got, err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "stream" {
		t.Fatalf("read into the stream: left %q", rest)
	}
}

func TestPreamblesOfOthersAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"magic":   {"GET " + goldenPreamble[4:], api.ErrPreamble},
		"version": {"CLVP\x02" + goldenPreamble[5:], api.ErrPreamble},
		"flags":   {"CLVP\x01\x00\x00\x01" + goldenPreamble[8:], api.ErrPreamble},
		"short":   {goldenPreamble[:39], io.ErrUnexpectedEOF},
		"empty":   {"", io.EOF},
	} {
		if _, err := api.ReadPreamble(strings.NewReader(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestFrameIsAsInTheContract(t *testing.T) {
	got, err := api.AppendFrame(nil, "a.i2p:7", []byte("hello"))
	if err != nil || string(got) != goldenFrame {
		t.Fatalf("got %q, %v", got, err)
	}
	buf := make([]byte, api.MaxFrame)
	address, payload, err := api.ReadFrame(strings.NewReader(goldenFrame), buf)
	if err != nil || string(address) != "a.i2p:7" || string(payload) != "hello" {
		t.Fatalf("got %q, %q, %v", address, payload, err)
	}
}

func TestFramesHaveLimits(t *testing.T) {
	prefix := []byte("before")
	largest := make([]byte, api.MaxFrame-1-255)
	if got, err := api.AppendFrame(prefix, strings.Repeat("a", 255), largest); err != nil || len(got) != 6+2+api.MaxFrame {
		t.Fatalf("largest frame: %d bytes, %v", len(got), err)
	}
	for name, c := range map[string]struct {
		address string
		payload []byte
	}{
		"address": {strings.Repeat("a", 256), nil},
		"payload": {strings.Repeat("a", 255), append(largest, 0)},
	} {
		if got, err := api.AppendFrame(prefix, c.address, c.payload); !errors.Is(err, api.ErrFrame) || string(got) != "before" {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
	}
	buf := make([]byte, api.MaxFrame)
	for text, want := range map[string]error{
		"\x00\x00":             api.ErrFrame, // no room for the address' length
		"\x00\x03\x03ab":       api.ErrFrame, // an address longer than the frame
		"\x00\x05\x01a":        io.ErrUnexpectedEOF,
		"\x00":                 io.ErrUnexpectedEOF,
		"":                     io.EOF,
		"\xff\xff\x00 and end": io.ErrUnexpectedEOF,
	} {
		if _, _, err := api.ReadFrame(strings.NewReader(text), buf); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", text, err, want)
		}
	}
}

func FuzzPreamble(f *testing.F) {
	f.Add([]byte(goldenPreamble))
	f.Add([]byte("CLVP"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ticket, err := api.ReadPreamble(bytes.NewReader(b))
		if err != nil {
			return
		}
		if got := api.AppendPreamble(nil, ticket); !bytes.Equal(got, b[:api.PreambleSize]) {
			t.Fatalf("%x became %x", b, got)
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte(goldenFrame))
	f.Add([]byte("\x00\x01\x00" + goldenFrame))
	f.Add([]byte("\x00\x00"))
	f.Add([]byte("\x00\x03\x03ab"))
	buf := make([]byte, api.MaxFrame)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		var again []byte
		for {
			address, payload, err := api.ReadFrame(r, buf)
			if err != nil {
				break
			}
			if again, err = api.AppendFrame(again, string(address), payload); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}
