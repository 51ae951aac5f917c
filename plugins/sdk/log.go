package sdk

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"clove.i2p/plugins/api/pb"
)

// logQueue carries lines to the host. It never blocks who logs: over logBacklog the newest line is dropped and counted.
type logQueue struct {
	tunnel  string
	host    pb.HostClient
	lines   chan logLine
	dropped atomic.Uint64
	ending  chan struct{}
	once    sync.Once
	ended   chan struct{}
}

type logLine struct {
	level pb.LogLevel
	text  string
}

func newLog(p *Program, tunnel string) *slog.Logger {
	q := &logQueue{
		tunnel: tunnel, host: p.host, lines: make(chan logLine, logBacklog), ending: make(chan struct{}), ended: make(chan struct{}),
	}
	go q.run(p.ctx)
	buf := &logBuffer{}
	text := slog.NewTextHandler(&buf.bytes, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime})
	return slog.New(&logHandler{queue: q, buf: buf, text: text})
}

func (t *Tunnel) log() *logQueue { return t.Log.Handler().(*logHandler).queue }

// run sends until close, and then what is left.
func (q *logQueue) run(ctx context.Context) {
	defer close(q.ended)
	for {
		select {
		case l := <-q.lines:
			q.send(ctx, l)
			continue
		default:
		}
		select {
		case l := <-q.lines:
			q.send(ctx, l)
		case <-q.ending:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (q *logQueue) send(ctx context.Context, l logLine) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if _, err := q.host.Log(ctx, &pb.LogRequest{Tunnel: q.tunnel, Level: l.level, Text: l.text}); err != nil {
		q.dropped.Add(1)
	}
}

// close waits until what was logged has gone, or ctx ends.
func (q *logQueue) close(ctx context.Context) {
	q.once.Do(func() { close(q.ending) })
	select {
	case <-q.ended:
	case <-ctx.Done():
	}
}

// logHandler writes "message key=value ..." with slog's text handler.
type logHandler struct {
	queue *logQueue
	buf   *logBuffer
	text  slog.Handler
}

type logBuffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	h.buf.mu.Lock()
	h.buf.bytes.Reset()
	err := h.text.Handle(ctx, r)
	text := r.Message
	if attrs := bytes.TrimSpace(h.buf.bytes.Bytes()); len(attrs) > 0 {
		text += " " + string(attrs)
	}
	h.buf.mu.Unlock()
	if len(text) > maxLogLine {
		text = text[:maxLogLine]
	}
	text = strings.ToValidUTF8(text, "?") // gRPC carries no other
	select {
	case h.queue.lines <- logLine{logLevel(r.Level), text}:
	default:
		h.queue.dropped.Add(1)
	}
	return err
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.queue, h.buf, h.text.WithAttrs(attrs)}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.queue, h.buf, h.text.WithGroup(name)}
}

func logLevel(l slog.Level) pb.LogLevel {
	switch {
	case l < slog.LevelInfo:
		return pb.LogLevel_DEBUG
	case l < slog.LevelWarn:
		return pb.LogLevel_INFO
	case l < slog.LevelError:
		return pb.LogLevel_WARN
	}
	return pb.LogLevel_ERROR
}
