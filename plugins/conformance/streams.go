package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"clove.i2p/plugins/api/pb"
)

// stream is a connection through the tunnel to something that sends back what it gets.
type stream struct {
	net.Conn
}

// connect opens a connection to the tunnel: from I2P, from this machine, or as clove's own proxies do.
func (x *trial) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	status, _ := x.lab.gate.Tunnel(tunnelName)
	for _, kind := range []string{"i2p", "local", "service"} {
		for _, l := range status.Listeners {
			if l.Kind != kind {
				continue
			}
			switch kind {
			case "i2p":
				return x.lab.network.Dial(ctx, x.lab.visitor(), tunnelName, 80)
			case "local":
				var d net.Dialer
				return d.DialContext(ctx, "tcp", l.Address)
			default:
				return x.lab.gate.DialService(ctx, tunnelName, l.Address, "conformance")
			}
		}
	}
	return nil, errors.New("the tunnel has started and has no listener")
}

// openStream is for protocols that are transparent.
func (x *trial) openStream(ctx context.Context) (*stream, error) {
	if x.typ.Protocol != "raw" && x.typ.Protocol != "echo" {
		return nil, skip(fmt.Sprintf("its protocol is %q; for raw and echo only", x.typ.Protocol))
	}
	c, err := x.connect(ctx)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(callTime))
	return &stream{c}, nil
}

// exchange writes a line and reads it back.
func (s *stream) exchange(text string) error {
	if _, err := io.WriteString(s, text+"\n"); err != nil {
		return err
	}
	b := make([]byte, len(text)+1)
	if n, err := io.ReadFull(s, b); err != nil {
		return fmt.Errorf("read back %q: %w", b[:n], err)
	}
	if string(b) != text+"\n" {
		return fmt.Errorf("%q came back as %q", text+"\n", b)
	}
	return nil
}

// finish half-closes and waits for the end.
func (s *stream) finish() error {
	if err := closeWrite(s.Conn); err != nil {
		return err
	}
	if b, err := io.ReadAll(s); err != nil || len(b) > 0 {
		return fmt.Errorf("after the end: %d bytes, error %v", len(b), err)
	}
	return s.Close()
}

// ended: the other side closes.
func (s *stream) ended() error {
	_, err := io.Copy(io.Discard, s)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("an open connection goes on after Stop")
	}
	return nil
}

func closeWrite(c net.Conn) error {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.New("a connection of the suite without CloseWrite")
}

// probe sends something through the tunnel that fits its protocol.
func (x *trial) probe(ctx context.Context) error {
	switch x.typ.Protocol {
	case "raw", "echo":
		return x.roundTrip(ctx, 3000)
	case "http", "http-proxy":
		return x.probeHTTP(ctx)
	case "irc":
		return x.probeIRC(ctx)
	case "datagram":
		return x.probeDatagram(ctx)
	}
	return skip(fmt.Sprintf("its protocol is %q, which the suite does not know", x.typ.Protocol))
}

// roundTrip sends n bytes, half-closes, and has to get the same bytes and an end.
func (x *trial) roundTrip(ctx context.Context, n int) error {
	s, err := x.openStream(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.roundTrip(n)
}

func (s *stream) roundTrip(n int) error {
	sent := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = r.Read(sent)
	wrote := make(chan error, 1)
	go func() {
		_, err := s.Write(sent)
		if err == nil {
			err = closeWrite(s.Conn)
		}
		wrote <- err
	}()
	got, err := io.ReadAll(s)
	if werr := <-wrote; werr != nil {
		return fmt.Errorf("write: %w", werr)
	}
	if err != nil {
		return fmt.Errorf("read, after %d of %d bytes: %w", len(got), n, err)
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("%d bytes were sent, and %d came back that are not the same", n, len(got))
	}
	return nil
}

func (x *trial) probeHTTP(ctx context.Context) error {
	c, err := x.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(callTime))
	target, host := "/", peerName
	if x.typ.Protocol == "http-proxy" || x.typ.Destination != pb.DestinationKind_SERVER {
		target = "http://conformance.example/"
		host = "conformance.example"
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target, host); err != nil {
		return err
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return fmt.Errorf("no answer in HTTP: %w", err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("%s: body: %w", r.Status, err)
	}
	if r.StatusCode >= 500 && r.Header.Get("Proxy-Status") == "" {
		return fmt.Errorf("%s: %.200s", r.Status, body)
	}
	return nil
}

func (x *trial) probeIRC(ctx context.Context) error {
	c, err := x.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(callTime))
	if _, err := io.WriteString(c, "NICK probe\r\nUSER probe 0 * :probe\r\n"); err != nil {
		return err
	}
	lines := bufio.NewScanner(c)
	waitFor := func(word string) error {
		for lines.Scan() {
			if strings.Contains(lines.Text(), word) {
				return nil
			}
		}
		return fmt.Errorf("no line with %q came: %w", word, errors.Join(lines.Err(), io.ErrUnexpectedEOF))
	}
	if err := waitFor(" 001 "); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "PING :token\r\n"); err != nil {
		return err
	}
	return waitFor("PONG")
}

// halfCloseClient: an end of the client's direction ends neither the other direction nor what is under way in it.
func (x *trial) halfCloseClient(ctx context.Context) error {
	return x.roundTrip(ctx, 1<<20)
}

// halfCloseServer: the server ends first, the client still sends.
func (x *trial) halfCloseServer(ctx context.Context) error {
	if x.typ.Protocol != "raw" {
		return skip(fmt.Sprintf("its protocol is %q; for raw only", x.typ.Protocol))
	}
	s, err := x.openStream(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := io.WriteString(s, commandFirst); err != nil {
		return err
	}
	got, err := io.ReadAll(s)
	if err != nil || string(got) != farewellText {
		return fmt.Errorf("the server wrote %q and ended; %q arrived, error %v", farewellText, got, err)
	}
	rest := make([]byte, 100_000)
	if _, err := s.Write(rest); err != nil {
		return fmt.Errorf("after the server's end: %w", err)
	}
	if err := closeWrite(s.Conn); err != nil {
		return err
	}
	select {
	case n := <-x.lab.backend.afterward:
		if n != int64(len(rest)) {
			return fmt.Errorf("of %d bytes that the client wrote after the server's end, %d arrived", len(rest), n)
		}
		return nil
	case <-time.After(callTime):
		return errors.New("the client's end does not arrive after the server's")
	}
}

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
	for end := time.Now().Add(callTime); ; time.Sleep(50 * time.Millisecond) {
		if after = descriptors(x.p.pid); after <= before+descriptorsLeft {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the process has %d descriptors open, %d before the streams", after, before)
		}
	}
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
	last, since := int64(-1), time.Now()
	for end := time.Now().Add(callTime); ; time.Sleep(20 * time.Millisecond) {
		now := moved()
		if now != last {
			last, since = now, time.Now()
		}
		if now > floodLimit {
			return fmt.Errorf("nobody reads, and it has taken %d MiB", now>>20)
		}
		if now > 0 && time.Since(since) > stall {
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("nobody reads, and after %v it still takes more: %d bytes", callTime, now)
		}
	}
	if grown := resident(x.p.pid) - memory; grown > memoryLimit {
		return fmt.Errorf("nobody reads, and the process has grown by %d MiB", grown>>20)
	}
	if err := x.roundTrip(ctx, 3000); err != nil {
		return fmt.Errorf("another stream meanwhile: %w", err)
	}
	return nil
}
