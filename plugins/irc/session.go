package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/irc/filter"
	"clove.i2p/proxies/relay"
)

// session is one IRC client and its server.
type session struct {
	filter         *filter.Session
	client, server net.Conn
	silence        time.Duration // what either may say nothing for

	writing sync.Mutex // of what goes to the client: lines of the server, and our own
}

var errTLS = errors.New("TLS")

// run filters lines in both directions until one side has ended.
func (s *session) run(ctx context.Context) {
	var inbound sync.WaitGroup
	var over atomic.Pointer[time.Timer]
	inbound.Go(func() {
		err := s.pump(ctx, filter.Inbound, s.server, s.client)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			s.tell("ERROR", "the server said nothing for "+s.silence.String())
		}
		_ = s.server.Close()
		_ = relay.CloseWrite(s.client)
		over.Store(time.AfterFunc(farewell, func() { _ = s.client.Close() }))
	})
	err := s.pump(ctx, filter.Outbound, s.client, s.server)
	switch {
	case errors.Is(err, errTLS):
		s.tell("ERROR", "this port is without TLS: I2P encrypts already")
		_ = s.server.Close()
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.tell("ERROR", "the client said nothing for "+s.silence.String())
		_ = s.server.Close()
	case err != nil:
		_ = s.server.Close()
	default: // the server may still have something to say
		_ = relay.CloseWrite(s.server)
		timer := time.AfterFunc(farewell, func() { _ = s.server.Close() })
		defer timer.Stop()
	}
	inbound.Wait()
	over.Load().Stop()
}

// tell says something to the client in the server's name.
func (s *session) tell(command string, params ...string) {
	s.toClient(s.filter.Line(command, params...))
}

func (s *session) toClient(b []byte) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.client.SetWriteDeadline(time.Now().Add(s.silence))
	_, _ = s.client.Write(b)
}

// pump moves lines in one direction until src ends, which is no error, or something fails. Lines that are there together leave
// together.
func (s *session) pump(ctx context.Context, d filter.Direction, src, dst net.Conn) error {
	verdict := s.filter.Outbound
	if d == filter.Inbound {
		verdict = s.filter.Inbound
	}
	r := filter.NewReader(&timedReader{conn: src, limit: s.silence, first: d == filter.Outbound})
	var batch []byte
	for {
		line, err := r.Next()
		var v filter.Verdict
		switch {
		case errors.Is(err, filter.ErrTooLong):
			v = s.filter.TooLong(d)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		default:
			v = verdict(ctx, line)
		}
		if len(v.Reply) > 0 {
			s.toClient(v.Reply)
		}
		batch = append(batch, v.Forward...)
		if len(batch) == 0 || r.Buffered() && len(batch) < maxBatch {
			continue
		}
		if d == filter.Inbound {
			s.writing.Lock()
		}
		_ = dst.SetWriteDeadline(time.Now().Add(s.silence))
		_, err = dst.Write(batch)
		if d == filter.Inbound {
			s.writing.Unlock()
		}
		if err != nil {
			return err
		}
		batch = batch[:0]
	}
}

// timedReader gives each read so long. If first is set, it looks whether the connection begins as TLS does.
type timedReader struct {
	conn  net.Conn
	limit time.Duration
	first bool
}

const tlsHandshake = 0x16

func (t *timedReader) Read(p []byte) (int, error) {
	_ = t.conn.SetReadDeadline(time.Now().Add(t.limit))
	n, err := t.conn.Read(p)
	if t.first && n > 0 {
		if t.first = false; p[0] == tlsHandshake {
			return 0, errTLS
		}
	}
	return n, err
}
