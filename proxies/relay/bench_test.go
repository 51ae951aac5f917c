package relay_test

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clove.i2p/proxies/relay"
)

// socketPair is two connected sockets of the kernel.
func socketPair(tb testing.TB, network string) (a, b net.Conn) {
	tb.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(tb.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	if a, err = net.Dial(network, l.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	if b = <-accepted; b == nil {
		tb.Fatal("no connection")
	}
	tb.Cleanup(func() {
		_ = a.Close()
		_ = b.Close()
	})
	return a, b
}

// joined is a client and a site with a relay between them.
func joined(tb testing.TB, clientNetwork, siteNetwork string, limits relay.Limits) (client, site net.Conn, sent, received *atomic.Uint64, done chan struct{}) {
	tb.Helper()
	client, near := socketPair(tb, clientNetwork)
	site, far := socketPair(tb, siteNetwork)
	sent, received, done = new(atomic.Uint64), new(atomic.Uint64), make(chan struct{})
	go func() {
		defer close(done)
		relay.Join(tb.Context(), near, far, limits, sent, received)
	}()
	return client, site, sent, received, done
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkJoin moves 64 MiB in one direction in each round, in writes of a stream's packet and of 64 KiB. The CPU is that
// of all: who writes, the relay, and who reads.
func BenchmarkJoin(b *testing.B) {
	const total = 64 << 20
	for _, pair := range [][2]string{{"tcp", "tcp"}, {"unix", "tcp"}, {"unix", "unix"}} {
		for _, size := range []int{1800, 64 << 10} {
			b.Run(fmt.Sprintf("%s-%s-%d", pair[0], pair[1], size), func(b *testing.B) {
				client, site, _, _, _ := joined(b, pair[0], pair[1], relay.Limits{Idle: time.Hour, Linger: time.Hour})
				chunk, sink := make([]byte, size), make([]byte, 256<<10)
				b.SetBytes(total)
				before := cpu()
				for b.Loop() {
					go func() {
						for left := total; left > 0; left -= size {
							if _, err := client.Write(chunk[:min(left, size)]); err != nil {
								return
							}
						}
					}()
					if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(site, total), sink); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64((cpu()-before).Milliseconds())/float64(b.N)/total*(1<<30), "cpu-ms/GiB")
			})
		}
	}
}
