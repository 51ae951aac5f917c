//go:build linux

package interop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"clove.i2p/router"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
	"clove.i2p/tests/interop"
)

// TestDatagrams: the UDP tunnels of i2pd speak Datagram1, and raw for whatever follows within 100 ms. Whoever waits longer
// sees the first again.
func TestDatagrams(t *testing.T) {
	served, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	backend := udpEcho(t)
	n := startNetwork(t, []string{interop.NTCP2}, func(n *interop.Network) error {
		var clients []string
		for _, typ := range signers {
			clients = append(clients, n.UDPClientTunnel(fmt.Sprintf("udp%d", typ), udpPort(typ), served.Destination.Base32(), i2pPort, uint16(typ)))
		}
		return errors.Join(n.Client.SetTunnels(clients...), n.Server.SetTunnels(n.EepsiteTunnel("eepsite"), n.UDPServerTunnel("udp", backend)))
	})
	r := startClove(t, n, router.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := r.Open(router.DestinationConfig{Keys: served, Tunnels: shape})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Reachable(ctx); err != nil {
		t.Fatal(err)
	}
	t.Run("CloveAsksI2pd", func(t *testing.T) { testAsksI2pd(t, n, r) })
	t.Run("I2pdAsksClove", func(t *testing.T) { testI2pdAsks(t, server) })
}

// signers are the types of key that i2pd signs with, and i2pPort is where clove serves them.
var signers = []keys.SigType{
	keys.SigDSASHA1, keys.SigECDSAP256, keys.SigECDSAP384, keys.SigECDSAP521, keys.SigEd25519, keys.SigRed25519,
}

const i2pPort = 53

// udpPort of loopback is where i2pd's tunnel with such keys listens.
func udpPort(t keys.SigType) int { return 5300 + int(t) }

const (
	slow   = 300 * time.Millisecond
	rounds = 20
	// arrive is how many of the rounds have to: datagrams may be lost or late, here when tunnels change.
	arrive = 15
)

// shape is that of a destination of this test.
var shape = router.Tunnels{Length: 2, Quantity: 2}

// testAsksI2pd: a UDP server behind an i2pd answers.
func testAsksI2pd(t *testing.T, n *interop.Network, r *router.Router) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	host := n.Eepsite
	d, err := r.Open(router.DestinationConfig{Tunnels: shape, Unpublished: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	c, err := d.ListenPacketConfig(datagram.ListenConfig{Kind: datagram.KindDatagram1, AnyPort: true, Answers: true})
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort(host, "1053")
	p := make([]byte, 1<<16)
	ask := func(text string, wait time.Duration) (k datagram.Packet, err error) {
		if err := c.WriteToHost([]byte(text), address); err != nil {
			return k, err
		}
		end := time.Now().Add(wait)
		for {
			c.SetReadDeadline(end)
			if k, err = c.ReadPacket(p); err != nil {
				return k, err
			}
			if k.From.String() != address {
				return k, fmt.Errorf("from %v", k.From)
			}
			if string(p[:k.N]) == text {
				return k, nil
			}
		}
	}
	first, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	measure(t, "first answer", func() error {
		return interop.Poll(first, time.Second, func() error {
			_, err := ask("hello", 3*time.Second)
			return err
		})
	})
	if t.Failed() {
		t.Fatalf("%+v", d.Status().Datagrams)
	}
	seen := map[datagram.Kind]int{}
	for i := range rounds {
		text := fmt.Sprintf("quick %d", i)
		if i%2 == 1 {
			text = fmt.Sprintf("slow %d", i) // the answer comes later than 100 ms, and is signed
		}
		k, err := ask(text, 5*time.Second)
		if err != nil {
			t.Logf("%s: %v", text, err)
			continue
		}
		seen[k.Kind]++
		if k.Kind == datagram.KindDatagram1 && k.Sender.Base32() != host {
			t.Errorf("signed by %v", k.Sender)
		}
	}
	t.Logf("answers by kind: %v", seen)
	if seen[datagram.KindRaw] == 0 || seen[datagram.KindDatagram1] == 0 || seen[datagram.KindRaw]+seen[datagram.KindDatagram1] < arrive {
		t.Errorf("answers by kind: %v of %d", seen, rounds)
	}
	for _, size := range []int{1200, c.Comfortable(), 4000, 16_000, 32_768 - 455} { // as much as i2pd takes
		text := strings.Repeat("x", size)
		if err := interop.Poll(ctx, 100*time.Millisecond, func() error {
			_, err := ask(text, 5*time.Second)
			return err
		}); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	t.Logf("%+v", d.Status().Datagrams)
}

// testI2pdAsks: a UDP server behind clove answers clients of an i2pd that sign with keys of every type that it can make.
func testI2pdAsks(t *testing.T, d *router.Destination) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c, err := d.ListenPacketConfig(datagram.ListenConfig{Kind: datagram.KindDatagram1, Port: i2pPort, Answers: true})
	if err != nil {
		t.Fatal(err)
	}
	types := map[keys.SigType]datagram.Packet{}
	raw := 0
	served := make(chan struct{})
	go func() {
		defer close(served)
		p := make([]byte, 1<<16)
		for {
			k, err := c.ReadPacket(p)
			if err != nil {
				return
			}
			if k.Sender != nil {
				types[k.Sender.SigningKey().Type] = k
			} else {
				raw++
			}
			c.WriteTo(p[:k.N], k.From)
		}
	}()
	for i, typ := range signers {
		app, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: udpPort(typ)})
		if err != nil {
			t.Fatal(err)
		}
		defer app.Close()
		answers := make(chan string, 100)
		go func() {
			p := make([]byte, 1<<16)
			for {
				k, err := app.Read(p)
				switch {
				case err == nil:
					answers <- string(p[:k])
				case ctx.Err() != nil || strings.Contains(err.Error(), "closed"):
					return
				default: // refused: i2pd does not listen yet
					time.Sleep(100 * time.Millisecond)
				}
			}
		}()
		ask := func(text string) error {
			app.Write([]byte(text))
			end := time.After(3 * time.Second)
			for {
				select {
				case got := <-answers:
					if got == text {
						return nil
					}
				case <-end:
					return fmt.Errorf("%v: no answer", typ)
				}
			}
		}
		measure(t, fmt.Sprintf("first answer, %v", typ), func() error {
			first, stop := context.WithTimeout(ctx, time.Minute)
			defer stop()
			return interop.Poll(first, time.Second, func() error { return ask("hello") })
		})
		if i > 0 && i < len(signers)-1 {
			continue
		}
		answered := 0
		for j := range rounds {
			if err := ask(fmt.Sprintf("%d %d", i, j)); err == nil {
				answered++
			}
		}
		if answered < arrive {
			t.Errorf("%v: %d of %d answered", typ, answered, rounds)
		}
	}
	c.Close()
	<-served
	for _, typ := range signers {
		if k, ok := types[typ]; !ok {
			t.Errorf("no datagram signed with %v", typ)
		} else if k.Kind != datagram.KindDatagram1 || k.Sender.Hash() != k.From.Hash {
			t.Errorf("%v: %+v", typ, k)
		}
	}
	if raw == 0 {
		t.Error("no raw datagram")
	}
	t.Logf("%d types, %d raw; %+v", len(types), raw, d.Status().Datagrams)
}

// udpEcho answers what it gets on loopback; what begins with "slow" later.
func udpEcho(t *testing.T) *net.UDPAddr {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		p := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFromUDP(p)
			if err != nil {
				return
			}
			answer := bytes.Clone(p[:n])
			if bytes.HasPrefix(answer, []byte("slow")) {
				time.AfterFunc(slow, func() { c.WriteToUDP(answer, from) })
				continue
			}
			c.WriteToUDP(answer, from)
		}
	}()
	return c.LocalAddr().(*net.UDPAddr)
}
