package datagram_test

import (
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
)

func TestPacketsWaitForTheLeaseSetInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		l.lookup = 3 * time.Second
		a, b := l.join(t, destinations()[0]), l.join(t, destinations()[1])
		ca, cb := listen(t, a, datagram.ListenConfig{Kind: datagram.KindRaw}), listen(t, b, datagram.ListenConfig{Kind: datagram.KindRaw})
		began := time.Now()
		for i := range 20 {
			if _, err := ca.WriteTo([]byte{byte(i)}, datagram.Addr{Hash: b.Hash()}); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(began) != 0 {
			t.Errorf("writes waited %v", time.Since(began))
		}
		if s := a.Stats(); s.Waiting != 16 || s.Drops[datagram.DropWaitFull] != 4 {
			t.Errorf("%d wait, %d dropped", s.Waiting, s.Drops[datagram.DropWaitFull])
		}
		for i := range 16 {
			if _, text := read(t, cb); text != string([]byte{byte(i)}) {
				t.Fatalf("packet %d is %q", i, text)
			}
		}
		if time.Since(began) != 3*time.Second {
			t.Errorf("arrived after %v", time.Since(began))
		}
		nothing(t, cb)
		ca.WriteTo([]byte("later"), datagram.Addr{Hash: b.Hash()})
		if _, text := read(t, cb); text != "later" {
			t.Errorf("%q", text)
		}
		if reached, _, _ := l.counts(); reached != 1 {
			t.Errorf("%d lookups", reached)
		}
	})
}

func TestLargePacketsWaitWithinABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		l.lookup = time.Second
		a, b := l.join(t, destinations()[0]), l.join(t, destinations()[1])
		c := listen(t, a, datagram.ListenConfig{Kind: datagram.KindRaw})
		for range 8 {
			c.WriteTo(make([]byte, 50_000), datagram.Addr{Hash: b.Hash()})
		}
		if s := a.Stats(); s.Waiting != 3 || s.Drops[datagram.DropWaitFull] != 5 {
			t.Errorf("%d wait, %d dropped", s.Waiting, s.Drops[datagram.DropWaitFull])
		}
	})
}

// A destination without a LeaseSet costs one lookup in five seconds, whatever is sent to it, and others nothing.
func TestDestinationsThatAreNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		l.lookup = time.Second
		a, b := l.join(t, destinations()[0]), l.join(t, destinations()[1])
		ca, cb := listen(t, a, datagram.ListenConfig{Kind: datagram.KindRaw}), listen(t, b, datagram.ListenConfig{Kind: datagram.KindRaw})
		gone := datagram.Addr{Hash: i2p.Hash{1}}
		for range 60 { // a minute
			ca.WriteTo([]byte("x"), gone)
			time.Sleep(time.Second)
		}
		reached, packets, _ := l.counts()
		if reached < 8 || reached > 12 || packets != 0 {
			t.Errorf("%d lookups in a minute, %d packets", reached, packets)
		}
		if n := a.Stats().Drops[datagram.DropNoLeaseSet]; n < 59 {
			t.Errorf("%d of 60 packets dropped", n)
		}
		ca.WriteTo([]byte("here"), datagram.Addr{Hash: b.Hash()})
		if _, text := read(t, cb); text != "here" {
			t.Errorf("%q", text)
		}
		// Once it is there, it is found after the pause.
		time.Sleep(6 * time.Second)
		l.mu.Lock()
		l.stacks[gone.Hash] = b
		l.mu.Unlock()
		ca.WriteTo([]byte("found"), gone)
		if _, text := read(t, cb); text != "found" {
			t.Errorf("%q", text)
		}
	})
}

// Lookups that take their whole time delay others by that time at most, and the number of destinations is bounded.
func TestManyDestinationsThatAreNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		l.lookup = time.Hour
		a := l.join(t, destinations()[0])
		c := listen(t, a, datagram.ListenConfig{Kind: datagram.KindRaw})
		for i := range 400 {
			var h i2p.Hash
			binary.BigEndian.PutUint32(h[:], uint32(i)+1)
			c.WriteTo([]byte("x"), datagram.Addr{Hash: h})
		}
		synctest.Wait()
		if s := a.Stats(); s.Waiting != 256 || s.Lookups != 0 || s.Drops[datagram.DropWaitFull] != 144 {
			t.Errorf("%d wait, %d lookups, %d dropped", s.Waiting, s.Lookups, s.Drops[datagram.DropWaitFull])
		}
		time.Sleep(50 * time.Second) // two rounds of 8, and a third goes on
		if s := a.Stats(); s.Lookups != 16 || s.Drops[datagram.DropNoLeaseSet] != 16 {
			t.Errorf("%d lookups, %d dropped", s.Lookups, s.Drops[datagram.DropNoLeaseSet])
		}
	})
}

func TestTheEndReleasesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		l.lookup = time.Hour
		a := l.join(t, destinations()[0])
		c := listen(t, a, datagram.ListenConfig{Kind: datagram.KindRaw})
		c.WriteTo([]byte("x"), datagram.Addr{Hash: i2p.Hash{1}})
		ended := make(chan error, 1)
		go func() {
			_, _, err := c.ReadFrom(nil)
			ended <- err
		}()
		synctest.Wait()
		l.ends[a.Hash()]()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if s := a.Stats(); s.Waiting != 0 || s.Conns != 0 {
			t.Errorf("%+v", s)
		}
		if _, err := a.Listen(datagram.ListenConfig{Kind: datagram.KindRaw}); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}
