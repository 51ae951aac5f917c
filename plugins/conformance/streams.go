package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"
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
	b, err := io.ReadAll(s)
	if err != nil {
		return fmt.Errorf("after the end: %w", err)
	}
	if len(b) > 0 {
		return fmt.Errorf("after the end %d bytes came", len(b))
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
	if err != nil {
		return fmt.Errorf("the server wrote %q and ended; %q arrived: %w", farewellText, got, err)
	}
	if string(got) != farewellText {
		return fmt.Errorf("the server wrote %q and ended; %q arrived", farewellText, got)
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
