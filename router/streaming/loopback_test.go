package streaming_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/streaming"
)

// inline is a Carrier that delivers to its own stack from within Send.
type inline struct{ s *streaming.Stack }

func (i *inline) Reach(context.Context, i2p.Hash, bool) error { return nil }
func (i *inline) MTU(i2p.Hash) int                            { return streaming.MTURatchet }
func (i *inline) Send(_ i2p.Hash, p streaming.Ports, b *buf.Buf) error {
	i.s.Deliver(p, b)
	return nil
}

// TestDestinationConnectsToItself, with a Carrier that takes the shortest way.
func TestDestinationConnectsToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &inline{}
		s, err := streaming.New(streaming.DefaultConfig(), destinations()[0], out, clock.New(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		out.s = s
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()
		l, _ := s.Listen(80)
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.Copy(c, struct{ io.Reader }{c})
			c.Close()
		}()
		c, err := s.Dial(ctx, destinations()[0].Destination, 80)
		if err != nil {
			t.Fatal(err)
		}
		data := pattern(1 << 20)
		go func() {
			c.Write(data)
			c.CloseWrite()
		}()
		if got := readAll(t, c); string(got) != string(data) {
			t.Errorf("%d bytes came back", len(got))
		}
		c.Close()
		cancel()
		<-done
	})
}
