package testnet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/datagram"
	"clove.i2p/router/i2p"
	"clove.i2p/router/naming"
	"clove.i2p/tests/testnet"
)

var datagramKinds = []datagram.Kind{datagram.KindDatagram1, datagram.KindRaw, datagram.KindDatagram2, datagram.KindDatagram3}

// echo answers each datagram of a kind in capitals, until the destination ends.
func echo(t *testing.T, d *router.Destination, kind datagram.Kind, port uint16) {
	t.Helper()
	c, err := d.ListenPacket(kind, port)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		p := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(p)
			if err != nil {
				return
			}
			c.WriteTo(bytes.ToUpper(p[:n]), from)
		}
	}()
}

// ask sends a packet until an answer comes, three times at most: a datagram may be lost.
func ask(c *router.PacketConn, address, text string) (answer string, from net.Addr, err error) {
	p := make([]byte, 1<<16)
	for range 3 {
		if err := c.WriteToHost([]byte(text), address); err != nil {
			return "", nil, err
		}
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, addr, err := c.ReadFrom(p)
		if err == nil {
			return string(p[:n]), addr, nil
		}
	}
	return "", nil, errors.New("no answer")
}

// TestDatagramsThroughTunnels: an unpublished client is answered by a server, with every kind that can be and with
// payloads of one tunnel message and of all that there can be.
func TestDatagramsThroughTunnels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := testnet.New(t, testnet.Config{Routers: 8, Floodfills: 3, Delay: 20 * time.Millisecond, Seed: 17})
		shape := router.Tunnels{Length: 2, Quantity: 2}
		server := n.Nodes[7].Open(router.DestinationConfig{Tunnels: shape})
		client := n.Nodes[6].Open(router.DestinationConfig{Tunnels: shape, Unpublished: true})
		reachable(t, time.Minute, server, client)
		address := net.JoinHostPort(server.Base32(), "53")
		for _, kind := range datagramKinds {
			if kind == datagram.KindRaw {
				continue // nobody to answer
			}
			echo(t, server, kind, 53)
			c, err := client.ListenPacketConfig(datagram.ListenConfig{Kind: kind, AnyPort: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{1, 300, c.Comfortable(), 10_000, 32_000, c.MaxPayload()} {
				want := strings.Repeat("x", size-1) + "."
				began := time.Now()
				got, from, err := ask(c, address, want)
				if err != nil || got != strings.ToUpper(want) || from.String() != address {
					t.Fatalf("%v: %d bytes: got %d from %v, %v", kind, size, len(got), from, err)
				}
				t.Logf("%v: %d bytes there and back in %v", kind, size, time.Since(began))
			}
			c.Close()
		}
		s := server.Status().Datagrams
		if s.Received < 18 || s.Sent < 18 || s.Conns != 3 {
			t.Errorf("server: %+v", s)
		}
		if s := client.Status().Datagrams; s.Lookups != 1 || s.Conns != 0 {
			t.Errorf("client: %+v", s)
		}

		// Raw arrives, and says nothing about its sender but the port.
		in, err := server.ListenPacket(datagram.KindRaw, 7)
		if err != nil {
			t.Fatal(err)
		}
		out, err := client.ListenPacket(datagram.KindRaw, 1234)
		if err != nil {
			t.Fatal(err)
		}
		if err := out.WriteToHost([]byte("raw"), net.JoinHostPort(server.Base32(), "7")); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 10)
		in.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, from, err := in.ReadFrom(p); err != nil || string(p[:n]) != "raw" || from.String() != ":1234" {
			t.Errorf("%q from %v, %v", p[:n], from, err)
		}

		// What cannot be sent says so at once.
		for address, want := range map[string]error{
			"nowhere.i2p:53": naming.ErrUnknownHost, "example.org:53": naming.ErrUnknownHost, "127.0.0.1:53": naming.ErrUnknownHost,
			server.Base32(): nil, net.JoinHostPort(server.Base32(), "65536"): nil,
		} {
			if err := out.WriteToHost(nil, address); err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%s: %v", address, err)
			}
		}
	})
}

// TestDatagramsToARestartedPeer: its sessions and tunnels are gone, and only silence says so.
func TestDatagramsToARestartedPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := testnet.New(t, testnet.Config{Routers: 8, Floodfills: 3, Delay: 20 * time.Millisecond, Seed: 18})
		shape := router.Tunnels{Length: 1, Quantity: 2}
		keys, err := i2p.NewDestinationKeys(keys.SigEd25519)
		if err != nil {
			t.Fatal(err)
		}
		server := n.Nodes[7].Open(router.DestinationConfig{Keys: keys, Tunnels: shape})
		client := n.Nodes[6].Open(router.DestinationConfig{Tunnels: shape, Unpublished: true})
		reachable(t, time.Minute, server, client)
		echo(t, server, datagram.KindDatagram1, 53)
		c, err := client.ListenPacketConfig(datagram.ListenConfig{Kind: datagram.KindDatagram1, AnyPort: true})
		if err != nil {
			t.Fatal(err)
		}
		address := net.JoinHostPort(server.Base32(), "53")
		for i := range 5 {
			if _, _, err := ask(c, address, fmt.Sprint(i)); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		server = n.Nodes[7].Open(router.DestinationConfig{Keys: keys, Tunnels: shape})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := server.Reachable(ctx); err != nil {
			t.Fatal(err)
		}
		echo(t, server, datagram.KindDatagram1, 53)
		began := time.Now()
		for {
			if _, _, err := ask(c, address, "again"); err == nil {
				break
			}
			if time.Since(began) > 2*time.Minute {
				t.Fatalf("no answer after %v: %+v", time.Since(began), client.Status().Datagrams)
			}
		}
		t.Logf("answered again after %v, %d lookups", time.Since(began), client.Status().Datagrams.Refreshes)
	})
}
