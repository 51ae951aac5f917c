package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// probes tries exits that were idle for a while, and those that have failed when their rest is over, until ctx ends. Nothing of the
// web is asked for: OPTIONS * is for the exit itself, and any answer will do that does not say it is useless.
func (e *exits) probes(ctx context.Context, idle func() time.Duration) {
	ticker := time.NewTicker(probeTick)
	defer ticker.Stop()
	for {
		if every := idle(); every > 0 {
			e.probeDue(ctx, every)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// probeDue tries those of both lists at the same time; a list has few.
func (e *exits) probeDue(ctx context.Context, idle time.Duration) {
	var all sync.WaitGroup
	defer all.Wait()
	l := e.now.Load()
	for _, p := range []*pool{l.http, l.tls} {
		for _, to := range p.due(time.Now(), idle) {
			all.Go(func() {
				err := e.probe(ctx, to)
				if ctx.Err() != nil || ours(err) {
					return
				}
				e.count.probes.Add(1)
				if err != nil {
					e.count.probesFailed.Add(1)
					p.failed(time.Now(), to, nil)
					return
				}
				p.worked(time.Now(), to, nil)
			})
		}
	}
}

func (e *exits) probe(ctx context.Context, to *peerExit) error {
	conn, err := e.dial(ctx, to, "")
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(exitDial))
	head := "OPTIONS * HTTP/1.1\r\nHost: exit\r\nConnection: close\r\n"
	if to.auth != "" {
		head += "Proxy-Authorization: " + to.auth + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		return err
	}
	r, _, err := readAnswer(conn)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if bad := useless(r); bad != nil {
		return bad
	}
	if r.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("probe: %d", r.StatusCode)
	}
	return nil
}
