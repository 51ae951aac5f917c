package testnet_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router"
	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/streaming"
	"clove.i2p/tests/testnet"
)

// lossy drops the first copy of a share of all packets; what is sent again passes.
type lossy struct {
	streaming.Carrier
	share float64

	mu            sync.Mutex
	rand          *rand.Rand
	seen          map[[3]uint32]bool
	sent, dropped int
}

func (l *lossy) drops(p []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	name := [3]uint32{binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:]), binary.BigEndian.Uint32(p[8:])}
	if name[2] > 0 { // an acknowledgement has sequence 0, and is another one each time
		if l.seen[name] {
			return false
		}
		l.seen[name] = true
	}
	if l.rand.Float64() >= l.share {
		return false
	}
	l.dropped++
	return true
}

func (l *lossy) Send(to i2p.Hash, p streaming.Ports, b *buf.Buf) error {
	return l.SendBatch(to, p, []*buf.Buf{b})
}

func (l *lossy) SendBatch(to i2p.Hash, p streaming.Ports, bs []*buf.Buf) error {
	kept := make([]*buf.Buf, 0, len(bs))
	for _, b := range bs {
		if l.drops(b.Bytes()) {
			b.Release()
		} else {
			kept = append(kept, b)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return l.Carrier.(streaming.BatchCarrier).SendBatch(to, p, kept)
}

func (l *lossy) Reroute(to i2p.Hash) { l.Carrier.(streaming.Rerouter).Reroute(to) }

// transfer sends size bytes between two destinations, through one hop each way at a round trip of 100 ms, and returns bytes per
// virtual second.
func transfer(t *testing.T, size int64, share float64) (goodput float64) {
	synctest.Test(t, func(t *testing.T) {
		// Three links between the ends: us, hop, hop, them.
		n := testnet.New(t, testnet.Config{Routers: 4, Floodfills: 1, Hops: 1, Delay: 100 * time.Millisecond / 6, Seed: 5})
		loss := func(seed uint64) (*lossy, func(streaming.Carrier) streaming.Carrier) {
			l := &lossy{share: share, rand: rand.New(rand.NewPCG(seed, 7)), seen: make(map[[3]uint32]bool)}
			return l, func(c streaming.Carrier) streaming.Carrier { l.Carrier = c; return l }
		}
		ours, wrapOurs := loss(1)
		theirs, wrapTheirs := loss(2)
		shape := router.Tunnels{Length: 1, Quantity: 1}
		from := n.Nodes[2].Open(router.DestinationConfig{Tunnels: shape, Carrier: wrapOurs})
		to := n.Nodes[3].Open(router.DestinationConfig{Tunnels: shape, Carrier: wrapTheirs})
		reachable(t, 20*time.Second, from, to)
		l, err := to.Listen(1)
		if err != nil {
			t.Fatal(err)
		}
		sent, got := sha256.New(), sha256.New()
		go func() {
			c, err := from.Dial(t.Context(), "i2p", net.JoinHostPort(to.Base32(), "1"))
			if err != nil {
				t.Error(err)
				l.Close()
				return
			}
			source := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), size), sent)
			if _, err := io.CopyBuffer(struct{ io.Writer }{c}, source, make([]byte, 64<<10)); err != nil {
				t.Error(err)
			}
			c.Close()
		}()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		start := time.Now()
		c.SetReadDeadline(start.Add(time.Hour))
		m, err := io.CopyBuffer(got, struct{ io.Reader }{c}, make([]byte, 64<<10))
		if err != nil || m != size {
			t.Fatalf("%d of %d bytes: %v", m, size, err)
		}
		goodput = float64(size) / time.Since(start).Seconds()
		if string(sent.Sum(nil)) != string(got.Sum(nil)) {
			t.Error("the hashes differ")
		}
		if lost := float64(ours.dropped) / float64(len(ours.seen)); share > 0 && (lost < share*0.7 || lost > share*1.4) {
			t.Errorf("%.3f of the packets were dropped, want %.3f", lost, share)
		}
		t.Logf("loss %.0f %%: %.2f MB/s, %d packets, %d dropped, %d acknowledgements dropped, %+v",
			share*100, goodput/1e6, ours.sent, ours.dropped, theirs.dropped, from.Status().Streaming)
	})
	return goodput
}

func TestTransferCompletesInSpiteOfLoss(t *testing.T) {
	size := int64(100 << 20)
	if testing.Short() || raceEnabled {
		size = 10 << 20
	}
	goodput := make(map[float64]float64)
	for _, share := range []float64{0, 0.01, 0.05} {
		t.Run(fmt.Sprintf("%.0f percent", share*100), func(t *testing.T) { goodput[share] = transfer(t, size, share) })
	}
	if goodput[0.05] < goodput[0]/2 {
		t.Errorf("goodput is %.0f bytes/s at 5 %% loss, less than half of %.0f without", goodput[0.05], goodput[0])
	}
}
