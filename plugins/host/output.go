package host

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// logbook keeps the last lines that a plugin's processes wrote.
type logbook struct {
	mu    sync.Mutex
	lines []LogLine
	total uint64
	cut   uint64 // lines that were too long
}

func (b *logbook) add(stream string, line []byte, cut bool) {
	text := printable(string(line), logLine)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total++
	if cut {
		b.cut++
	}
	if len(b.lines) == logLines {
		b.lines = slices.Delete(b.lines, 0, 1)
	}
	b.lines = append(b.lines, LogLine{Time: time.Now(), Stream: stream, Text: text})
}

func (b *logbook) last() []LogLine {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

func (b *logbook) counts() (total, cut uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total, b.cut
}

// tail is the end of what was written since a time, for an error.
func (b *logbook) tail(since time.Time) string {
	var texts []string
	for _, l := range b.last() {
		if !l.Time.Before(since) && l.Text != "" {
			texts = append(texts, l.Text)
		}
	}
	if len(texts) > 5 {
		texts = texts[len(texts)-5:]
	}
	return printable(strings.Join(texts, " | "), 2*maxErrorText)
}

// lineWriter cuts a stream into lines of bounded length.
type lineWriter struct {
	book   *logbook
	stream string

	mu   sync.Mutex
	line []byte
	cut  bool
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, end := bytes.Cut(rest, []byte("\n"))
		take := min(len(line), logLine-len(w.line))
		w.cut = w.cut || take < len(line)
		w.line = append(w.line, line[:take]...)
		if end {
			w.book.add(w.stream, w.line, w.cut)
			w.line, w.cut = w.line[:0], false
		}
		rest = after
	}
	return len(p), nil
}

// pacer bounds how fast output is read. Who writes faster waits: a flood costs the plugin, not clove.
type pacer struct {
	done <-chan struct{} // the process has ended: the rest is short

	mu     sync.Mutex
	tokens int
	at     time.Time
}

func newPacer(done <-chan struct{}) *pacer {
	return &pacer{done: done, tokens: outputBurst, at: time.Now()}
}

// wait takes n tokens, and waits until there are some again.
func (p *pacer) wait(n int) {
	p.mu.Lock()
	now := time.Now()
	p.tokens = min(outputBurst, p.tokens+int(now.Sub(p.at)*outputRate/time.Second))
	p.tokens -= n
	p.at = now
	debt := -p.tokens
	p.mu.Unlock()
	if debt <= 0 {
		return
	}
	t := time.NewTimer(time.Duration(debt) * time.Second / outputRate)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.done:
	}
}

// pacedReader is standard output or error of a process.
type pacedReader struct {
	io.ReadCloser
	pacer *pacer
	once  sync.Once
	ended chan struct{} // closed at the end of the stream
}

func (r *pacedReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b[:min(len(b), 4<<10)])
	if err != nil {
		r.once.Do(func() { close(r.ended) })
	}
	r.pacer.wait(n)
	return n, err
}

// printable is text of a plugin for a terminal: no control characters, at most so many bytes.
func printable(s string, most int) string {
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
