package tunnel_test

import (
	"bytes"
	"crypto/rand"
	mrand "math/rand/v2"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/layer"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
)

var (
	now = time.Unix(1700000000, 0)
	to  = tunnel.Delivery{Type: tunnel.DeliveryTunnel, Router: i2p.Hash{1, 2, 3}, Tunnel: 4711}
)

// hops is the same layers twice: a Cipher belongs to one role.
func hops(n int) (a, b []*layer.Cipher) {
	for range n {
		var l, iv [32]byte
		rand.Read(l[:])
		rand.Read(iv[:])
		a, b = append(a, layer.New(l, iv)), append(b, layer.New(l, iv))
	}
	return a, b
}

// message is a message in flight with n bytes of payload.
func message(rng *mrand.Rand, n int) []byte {
	h := i2np.NewHeader(i2np.TypeGarlic, now)
	h.Expiration = h.Expiration.Truncate(time.Second)
	b := h.AppendShort(nil)
	for range n {
		b = append(b, byte(rng.Uint32()))
	}
	return b
}

// collector gathers what an endpoint delivers.
type collector struct {
	got []delivered
}

type delivered struct {
	to  tunnel.Delivery
	msg []byte
}

func (c *collector) deliver(d tunnel.Delivery, b *buf.Buf) {
	c.got = append(c.got, delivered{d, bytes.Clone(b.Bytes())})
	b.Release()
}

// layered lends what an endpoint processes.
func layered(t testing.TB, b *buf.Buf) []byte {
	t.Helper()
	_, msg, err := tunnel.ParseID(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func releaseAll(bs []*buf.Buf) {
	for _, b := range bs {
		b.Release()
	}
}
