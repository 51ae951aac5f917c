package host

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"clove.i2p/plugins/api/pb"
)

func TestLogbookKeepsTheLastLines(t *testing.T) {
	book := &logbook{}
	w := &lineWriter{book: book, stream: "stderr"}
	for i := range 200 {
		_, _ = fmt.Fprintf(w, "line %d\n", i)
	}
	_, _ = w.Write([]byte("begun "))
	_, _ = w.Write([]byte("and ended\x1b[2J\xff\n" + strings.Repeat("long", 5000) + "\nlast\nnot ended"))
	lines := book.last()
	if len(lines) != logLines || lines[logLines-1].Text != "last" || lines[logLines-3].Text != "begun and ended?[2J?" {
		t.Errorf("%d lines: %+v", len(lines), lines[logLines-3:])
	}
	if n := len(lines[logLines-2].Text); n > logLine+3 {
		t.Errorf("a line of %d bytes", n)
	}
	if total, cut := book.counts(); total != 203 || cut != 1 {
		t.Errorf("%d lines, %d cut", total, cut)
	}
	if tail := book.tail(time.Time{}); !strings.HasSuffix(tail, "...") && !strings.HasSuffix(tail, "last") {
		t.Errorf("%q", tail)
	}
}

func TestPacerHoldsAFloodUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		p := newPacer(done)
		began := time.Now()
		read := 0
		for time.Since(began) < 10*time.Second {
			p.wait(4 << 10)
			read += 4 << 10
		}
		if most := outputBurst + 11*outputRate; read > most || read < outputBurst+9*outputRate {
			t.Errorf("%d bytes in 10 s", read)
		}
		close(done)
		now := time.Now()
		p.wait(1 << 30)
		if time.Since(now) != 0 {
			t.Error("waits after the end")
		}
	})
}

func FuzzStdio(f *testing.F) {
	message := protowire.AppendTag(nil, 1, protowire.VarintType)
	message = protowire.AppendVarint(message, 2)
	message = protowire.AppendTag(message, 2, protowire.BytesType)
	message = protowire.AppendBytes(message, []byte("hello"))
	f.Add(message)
	f.Add([]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{})
	if channel, data := parseStdio(message); channel != 2 || !bytes.Equal(data, []byte("hello")) {
		f.Fatalf("%d %q", channel, data)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, data := parseStdio(b); len(data) > len(b) {
			t.Errorf("%d bytes from %d", len(data), len(b))
		}
	})
}

func TestMetricsAreBounded(t *testing.T) {
	values, help := readMetrics([]*pb.Metric{
		{Name: "ok", Value: 1, Help: "what\nit is"}, {Name: "Bad", Value: 1}, {Name: "nan", Value: math.NaN()}, {Name: "inf", Value: math.Inf(1)},
		{Name: strings.Repeat("x", 100), Value: 1}, {Name: "", Value: 1}, nil,
	})
	if len(values) != 1 || values["ok"] != 1 || help["ok"] != "what it is" {
		t.Errorf("%v %v", values, help)
	}
}
