package garlic_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
)

// A flow seals messages of one size at one keeper and opens them at another, on one buffer.
type flow struct {
	a, b *node
	text []byte
	m    *buf.Buf
}

func newFlow(t testing.TB, size int) *flow {
	f := &flow{a: newNode(t, "alice", garlic.Config{}), b: newNode(t, "bob", garlic.Config{}), text: make([]byte, size), m: buf.Get()}
	t.Cleanup(f.m.Release)
	establish(f.a, f.b, epoch)
	return f
}

func (f *flow) seal(now time.Time) {
	f.m.Reset()
	f.m.Append(f.text)
	i2np.NewHeader(i2np.TypeData, now).PutShort(f.m.Prepend(i2np.ShortHeaderLen))
	if garlic.PrependClove(f.m, garlic.ToDestination(f.b.peer.Hash)) != nil || f.a.k.Seal(f.b.peer, f.m, now) != nil {
		panic("seal")
	}
}

func discard(garlic.Clove) {}

func (f *flow) open(now time.Time) {
	if err := f.b.k.Open(f.m.Bytes()[i2np.ShortHeaderLen+i2np.GarlicHeaderLen:], now, discard); err != nil {
		panic(err)
	}
}

// Sealing and opening allocate the cipher each, 32 bytes: the minimum with a library whose ciphers cannot change their
// key. The skipped keys and the tag table grow now and then; that rounds to nothing.
func TestExistingSessionAllocatesOnlyTheCipher(t *testing.T) {
	f := newFlow(t, 1730)
	for range 2000 { // until the window is full
		f.seal(epoch)
		f.open(epoch)
	}
	if n := testing.AllocsPerRun(1000, func() { f.seal(epoch) }); n > 1 {
		t.Errorf("%v allocations to seal", n)
	}
	f = newFlow(t, 1730)
	for range 2000 {
		f.seal(epoch)
		f.open(epoch)
	}
	if n := testing.AllocsPerRun(1000, func() { f.seal(epoch); f.open(epoch) }); n > 2 {
		t.Errorf("%v allocations to seal and open", n)
	}
}

func BenchmarkExistingSession(b *testing.B) {
	for _, size := range []int{128, 1024, 1812} {
		b.Run(fmt.Sprint("seal/", size), func(b *testing.B) {
			f := newFlow(b, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%60000 == 59999 {
					b.StopTimer()
					f.a.k.Forget(f.b.peer.Key)
					f.b.k.Forget(f.a.peer.Key)
					establish(f.a, f.b, epoch)
					b.StartTimer()
				}
				f.seal(epoch)
			}
		})
		b.Run(fmt.Sprint("sealAndOpen/", size), func(b *testing.B) {
			f := newFlow(b, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			now := epoch
			for i := 0; b.Loop(); i++ {
				f.seal(now)
				f.open(now)
				if i%4000 == 0 { // the way back, so that the DH ratchet turns
					now = now.Add(time.Second)
					f.a.mustOpen(f.b.seal(f.a, "", now), now)
				}
			}
		})
	}
}

func BenchmarkHandshake(b *testing.B) {
	alice, bob := newNode(b, "alice", garlic.Config{}), newNode(b, "bob", garlic.Config{NewSessionRate: 1 << 30})
	b.Run("seal new session", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			alice.seal(bob, "x", epoch.Add(time.Duration(i)*time.Second))
		}
	})
	b.Run("open new session", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			now := epoch.Add(time.Duration(i) * time.Second)
			b.StopTimer()
			c := alice.seal(bob, "x", now)
			b.StartTimer()
			bob.mustOpen(c, now)
		}
	})
	b.Run("refuse garbage", func(b *testing.B) {
		g := bytes.Repeat([]byte{5}, 1000)
		for b.Loop() {
			bob.k.Open(g, epoch, discard)
		}
	})
	b.Run("reply", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			x, y := newNode(b, "x", garlic.Config{}), newNode(b, "y", garlic.Config{})
			y.mustOpen(x.seal(y, "ns", epoch), epoch)
			b.StartTimer()
			y.seal(x, "nsr", epoch)
		}
	})
}

func BenchmarkRouter(b *testing.B) {
	static, _ := keys.GenerateX25519()
	m := buf.Get()
	defer m.Release()
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Reset()
			m.Extend(500)
			if err := garlic.SealRouter(static.Public(), m, epoch); err != nil {
				b.Fatal(err)
			}
		}
	})
}
