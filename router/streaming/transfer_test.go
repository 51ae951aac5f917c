package streaming_test

import (
	"crypto/sha256"
	"hash"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/streaming"
	"clove.i2p/tests/simnet"
)

// transfer sends size bytes over a link and returns bytes per second of the receiver and what the sender counted.
func transfer(t *testing.T, link simnet.Link, size int) (goodput float64, s streaming.Stats) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, link)
		defer w.end()
		from, to := w.connect()
		start := time.Now()
		sent := sha256.New()
		done := make(chan error, 1)
		go func() {
			source := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), int64(size)), sent)
			_, err := io.CopyBuffer(struct{ io.Writer }{from}, source, make([]byte, 64<<10))
			from.Close()
			done <- err
		}()
		got := sha256.New()
		to.SetReadDeadline(time.Now().Add(2 * time.Hour))
		n, err := io.CopyBuffer(got, struct{ io.Reader }{to}, make([]byte, 64<<10))
		if err != nil {
			t.Errorf("after %d bytes: %v; sender %+v", n, err, w.a.Stats())
			return
		}
		goodput = float64(size) / time.Since(start).Seconds()
		if err := <-done; err != nil {
			t.Error(err)
		}
		to.Close()
		check(t, n, size, sent, got)
		s = w.a.Stats()
	})
	return goodput, s
}

func check(t *testing.T, n int64, size int, sent, got hash.Hash) {
	t.Helper()
	if int(n) != size || string(sent.Sum(nil)) != string(got.Sum(nil)) {
		t.Errorf("%d of %d bytes, hashes equal: %v", n, size, string(sent.Sum(nil)) == string(got.Sum(nil)))
	}
}

func transferSize() int {
	if testing.Short() {
		return 5 << 20
	}
	return 100 << 20
}

// TestTransferWithLoss is 100 MB over a round trip of 100 ms with a share of the packets dropped once.
func TestTransferWithLoss(t *testing.T) {
	clean := 0.0
	for _, loss := range []float64{0, 0.01, 0.05, 0.10} {
		link := simnet.Link{Delay: 50 * time.Millisecond, LossOnce: loss}
		goodput, s := transfer(t, link, transferSize())
		t.Logf("loss %4.1f %%: %.2f MB/s; sent %d, again %d, probes %d, timeouts %d, spurious %d", loss*100,
			goodput/1e6, s.PacketsOut, s.Retransmitted, s.Probes, s.Timeouts, s.Spurious)
		if loss == 0 {
			clean = goodput
			if s.Retransmitted > 0 {
				t.Errorf("%d packets sent again without loss", s.Retransmitted)
			}
		}
		if loss <= 0.05 && goodput < clean/2 {
			t.Errorf("goodput at %.0f %% loss is %.2f of that without", loss*100, goodput/clean)
		}
	}
}
