package conformance

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// manyStreams also looks for descriptors that stay open.
func (x *trial) manyStreams(ctx context.Context) error {
	if err := x.probe(ctx); err != nil {
		return err
	}
	if x.typ.Protocol == "datagram" {
		return skip("it has no streams; for raw, echo, http and irc only")
	}
	before := descriptors(x.p.pid)
	opening := make(chan struct{}, openingOnce)
	work := make(chan struct{}, streams)
	for range streams {
		work <- struct{}{}
	}
	close(work)
	failed := make(chan error, streams)
	var all sync.WaitGroup
	for range streamsOnce {
		all.Go(func() {
			for range work {
				if err := x.oneOfMany(ctx, opening); err != nil {
					failed <- err
				}
			}
		})
	}
	all.Wait()
	if n := len(failed); n > 0 {
		return fmt.Errorf("%d of %d failed (%d at a time); the first: %w; limits of the plugin's own can be raised with --set KEY=VALUE", n, streams, streamsOnce, x.p.died(<-failed))
	}
	var after int
	closed := poll(ctx, callTime, func() bool {
		after = descriptors(x.p.pid)
		return after <= before+descriptorsLeft
	})
	if !closed {
		return fmt.Errorf("the process has %d descriptors open, %d before the streams", after, before)
	}
	return nil
}

// oneOfMany has a token of opening until the stream works. A protocol whose streams are short is not open in numbers.
func (x *trial) oneOfMany(ctx context.Context, opening chan struct{}) error {
	opening <- struct{}{}
	s, err := x.openStream(ctx)
	if isSkip(err) {
		err = x.probe(ctx)
		<-opening
		return err
	}
	if err == nil {
		defer s.Close()
		err = s.exchange("opened")
	}
	<-opening
	if err != nil {
		return err
	}
	return s.roundTrip(streamBytes)
}

// slowReader: nobody reads, so the writer has to stop, and other streams go on.
func (x *trial) slowReader(ctx context.Context) error {
	s, err := x.openStream(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	memory := resident(x.p.pid)
	var moved func() int64
	if x.typ.Protocol == "raw" {
		begin := x.lab.backend.flooded.Load()
		if _, err := io.WriteString(s, commandFlood); err != nil {
			return err
		}
		moved = func() int64 { return x.lab.backend.flooded.Load() - begin }
	} else {
		w := &counted{Writer: s}
		done := make(chan struct{})
		defer func() { <-done }()
		defer s.Close()
		go func() {
			defer close(done)
			_, _ = io.Copy(w, endless{})
		}()
		moved = w.n.Load
	}
	now, since := int64(0), time.Now()
	stopped := poll(ctx, callTime, func() bool {
		if n := moved(); n != now {
			now, since = n, time.Now()
		}
		return now > floodLimit || now > 0 && time.Since(since) > stall
	})
	switch {
	case now > floodLimit:
		return fmt.Errorf("nobody reads, and it has taken %d MiB", now>>20)
	case !stopped:
		return fmt.Errorf("nobody reads, and after %v it still takes more: %d bytes", callTime, now)
	}
	if grown := resident(x.p.pid) - memory; grown > memoryLimit {
		return fmt.Errorf("nobody reads, and the process has grown by %d MiB", grown>>20)
	}
	if err := x.roundTrip(ctx, 3000); err != nil {
		return fmt.Errorf("another stream meanwhile: %w", err)
	}
	return nil
}
