package datagram_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
)

// A peer that is silent is looked up anew, less and less often; one that answers is not, however much goes to it.
func TestSilenceMeansAnotherLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		a, b := l.join(t, destinations()[0]), l.join(t, destinations()[1])
		ca, cb := listen(t, a, datagram.ListenConfig{Kind: datagram.KindDatagram1}), listen(t, b, datagram.ListenConfig{Kind: datagram.KindDatagram1})
		to := datagram.Addr{Hash: b.Hash()}
		for range 60 {
			ca.WriteTo([]byte("ping"), to)
			read(t, cb)
			cb.WriteTo([]byte("pong"), datagram.Addr{Hash: a.Hash()})
			read(t, ca)
			time.Sleep(time.Second)
		}
		if _, _, fresh := l.counts(); len(fresh) != 0 {
			t.Errorf("a peer that answers was looked up anew: %v", fresh)
		}
		l.mu.Lock()
		l.lose = true
		l.mu.Unlock()
		silent := func(d time.Duration) (lookups int) {
			_, _, was := l.counts()
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
				ca.WriteTo([]byte("ping"), to)
			}
			_, _, is := l.counts()
			return is[b.Hash()] - was[b.Hash()]
		}
		if n := silent(15 * time.Second); n != 1 {
			t.Errorf("%d lookups in 15 s of silence", n)
		}
		if n := silent(time.Hour); n < 12 || n > 18 { // 20, 40, 80, 160, 300, 300 ...
			t.Errorf("%d lookups in an hour of silence", n)
		}
		l.mu.Lock()
		l.lose = false
		l.mu.Unlock()
		ca.WriteTo([]byte("ping"), to)
		read(t, cb)
		cb.WriteTo([]byte("pong"), datagram.Addr{Hash: a.Hash()})
		read(t, ca)
		l.mu.Lock()
		l.lose = true
		l.mu.Unlock()
		if n := silent(15 * time.Second); n != 1 {
			t.Errorf("%d lookups in 15 s of silence after an answer", n)
		}
		_, _, fresh := l.counts()
		if n := a.Stats().Refreshes; int(n) != fresh[b.Hash()] {
			t.Errorf("%d counted, %d done", n, fresh[b.Hash()])
		}
	})
}

// raw answers, as the UDP tunnels of i2pd send them.
func TestRawAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		a, b, x := l.join(t, destinations()[0]), l.join(t, destinations()[1]), l.join(t, destinations()[2])
		client := listen(t, a, datagram.ListenConfig{Kind: datagram.KindDatagram1, AnyPort: true, Answers: true})
		to := datagram.Addr{Hash: a.Hash(), Port: client.LocalAddr().(datagram.Addr).Port}
		raw := func(s *datagram.Stack, port uint16) {
			t.Helper()
			c, err := s.Listen(datagram.ListenConfig{Kind: datagram.KindRaw, Port: port})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.WriteTo([]byte("raw"), to); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		stranger := func(n uint64) {
			t.Helper()
			nothing(t, client)
			if got := a.Stats().Drops[datagram.DropStranger]; got != n {
				t.Errorf("%d raw of strangers, want %d", got, n)
			}
		}
		raw(b, 53) // we did not ask
		stranger(1)
		if _, err := client.WriteTo([]byte("query"), datagram.Addr{Hash: b.Hash(), Port: 53}); err != nil {
			t.Fatal(err)
		}
		raw(b, 53)
		if got, text := read(t, client); text != "raw" || got.Kind != datagram.KindRaw || got.From != (datagram.Addr{Hash: b.Hash(), Port: 53}) || got.Sender != nil {
			t.Errorf("%q, %+v", text, got)
		}
		raw(b, 54) // another port
		stranger(2)

		// Two peers with one port: nobody can say whose it is.
		if _, err := client.WriteTo([]byte("query"), datagram.Addr{Hash: x.Hash(), Port: 53}); err != nil {
			t.Fatal(err)
		}
		raw(b, 53)
		raw(x, 53)
		stranger(4)
		// One of them goes on alone; what it proves itself by is enough.
		time.Sleep(time.Minute)
		server := listen(t, b, datagram.ListenConfig{Kind: datagram.KindDatagram1, Port: 53})
		for range 3 {
			time.Sleep(time.Minute)
			server.WriteTo([]byte("signed"), to)
			if _, text := read(t, client); text != "signed" {
				t.Errorf("%q", text)
			}
		}
		raw(b, 53)
		if got, _ := read(t, client); got.From.Hash != b.Hash() {
			t.Errorf("%+v", got)
		}
		// It is forgotten after two minutes.
		time.Sleep(2*time.Minute + time.Second)
		raw(b, 53)
		stranger(5)

		// Without Answers there is nobody for raw datagrams.
		plain := listen(t, a, datagram.ListenConfig{Kind: datagram.KindDatagram1, Port: 7})
		plain.WritePacket(nil, datagram.Addr{Hash: b.Hash(), Port: 53}, i2p.Mapping{})
		to.Port = 7
		raw(b, 53)
		nothing(t, plain)
	})
}
