package streaming_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/streaming"
	"clove.i2p/tests/simnet"
)

// BenchmarkTransfer moves data between two stacks in real time: sender, receiver and the network on this machine.
func BenchmarkTransfer(b *testing.B) {
	for _, rtt := range []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond} {
		b.Run(rtt.String(), func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			network := simnet.New(1)
			go network.Run(ctx)
			stack := func(k *i2p.DestinationKeys) *streaming.Stack {
				st := network.Join(k.Destination.Hash(), simnet.Link{Delay: rtt / 2})
				s, err := streaming.New(streaming.DefaultConfig(), k, st, clock.New(), slog.New(slog.DiscardHandler))
				if err != nil {
					b.Fatal(err)
				}
				st.Attach(s)
				go s.Run(ctx)
				return s
			}
			from, to := stack(destinations()[0]), stack(destinations()[1])
			l, err := to.Listen(0)
			if err != nil {
				b.Fatal(err)
			}
			c, err := from.Dial(ctx, destinations()[1].Destination, 80)
			if err != nil {
				b.Fatal(err)
			}
			d, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			const chunk = 1 << 20
			b.SetBytes(chunk)
			b.ReportAllocs()
			go func() {
				p := make([]byte, 32<<10)
				for {
					if _, err := c.Write(p); err != nil {
						return
					}
				}
			}()
			p := make([]byte, 32<<10)
			for b.Loop() {
				if _, err := io.CopyBuffer(io.Discard, io.LimitReader(d, chunk), p); err != nil {
					b.Fatal(err)
				}
			}
			s := from.Stats()
			b.ReportMetric(float64(s.Retransmitted)/float64(s.PacketsOut)*100, "%again")
		})
	}
}
