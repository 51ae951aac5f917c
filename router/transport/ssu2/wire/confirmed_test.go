package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"clove.i2p/router/transport/ssu2/wire"
)

func TestConfirmedIsSplitAtEverySize(t *testing.T) {
	const maxPacket = 500
	for n := 300; n < 600; n += 3 {
		p := newPair(wire.Plain)
		p.info = routerInfoPayload(n)
		a, b := p.toCreated(t)
		packets, err := a.Confirmed(p.info, maxPacket)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for k, packet := range packets {
			if len(packet) < wire.MinPacket || len(packet) > maxPacket {
				t.Fatalf("RouterInfo of %d bytes: packet %d of %d has %d bytes", n, k, len(packets), len(packet))
			}
			total += len(packet) - wire.ShortHeaderLen
		}
		if want := len(p.info) + wire.ConfirmedOverhead - wire.ShortHeaderLen; total != want {
			t.Fatalf("%d bytes, not %d", total, want)
		}
		if fits := len(p.info)+wire.ConfirmedOverhead <= maxPacket; fits != (len(packets) == 1) {
			t.Fatalf("%d packets", len(packets))
		}
		for k, packet := range packets {
			if _, complete, err := b.OpenConfirmed(packet); err != nil || complete != (k == len(packets)-1) {
				t.Fatalf("RouterInfo of %d bytes: packet %d of %d: %v %v", n, k, len(packets), complete, err)
			}
		}
	}
}

func TestFragmentsInAnyOrderAndMoreThanOnce(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {2, 0, 1}, {1, 1, 2, 1, 2, 0}, {0, 0, 0, 2, 2, 1}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			p := newPair(wire.Plain)
			a, b := p.toCreated(t)
			packets, err := a.Confirmed(p.info, 400)
			if err != nil || len(packets) != 3 {
				t.Fatalf("%d packets, %v", len(packets), err)
			}
			for n, k := range order {
				payload, complete, err := b.OpenConfirmed(bytes.Clone(packets[k]))
				if err != nil || complete != (n == len(order)-1) {
					t.Fatalf("packet %d: %v %v", n, complete, err)
				}
				if complete && !bytes.Equal(payload, p.info) {
					t.Fatal("another payload")
				}
			}
		})
	}
}

// forged changes a fragment in the middle, where its header does not depend on it.
func forged(packet []byte) []byte {
	c := bytes.Clone(packet)
	c[len(c)/2] ^= 1
	return c
}

func TestForgedFragmentsAreForgotten(t *testing.T) {
	p := newPair(wire.Plain)
	a, b := p.toCreated(t)
	packets, err := a.Confirmed(p.info, 600)
	if err != nil || len(packets) != 2 {
		t.Fatalf("%d packets, %v", len(packets), err)
	}
	for range 5 {
		if _, complete, err := b.OpenConfirmed(forged(packets[0])); err != nil || complete {
			t.Fatal(err)
		}
		if _, complete, err := b.OpenConfirmed(bytes.Clone(packets[1])); !errors.Is(err, wire.ErrAuthentication) || complete {
			t.Fatal(err)
		}
	}
	for n := range packets {
		if _, complete, err := b.OpenConfirmed(bytes.Clone(packets[n])); err != nil || complete != (n == 1) {
			t.Fatalf("after forged ones: %v %v", complete, err)
		}
	}
}

func TestTooManyForgedConfirmedEndTheHandshake(t *testing.T) {
	p := newPair(wire.Plain)
	a, b := p.toCreated(t)
	packets, err := a.Confirmed(p.info, wire.MaxPacket)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 8 {
		if _, _, err := b.OpenConfirmed(forged(packets[0])); !errors.Is(err, wire.ErrAuthentication) {
			t.Fatalf("forged %d: %v", n, err)
		}
	}
	if _, _, err := b.OpenConfirmed(packets[0]); !errors.Is(err, wire.ErrState) {
		t.Fatal(err)
	}
}

func TestConfirmedTooLarge(t *testing.T) {
	p := newPair(wire.Plain)
	a, _ := p.toCreated(t)
	if _, err := a.Confirmed(routerInfoPayload(3000), 200); !errors.Is(err, wire.ErrTooLarge) {
		t.Fatalf("more than 15 fragments: %v", err)
	}
	if _, err := a.Confirmed(p.info, 40); !errors.Is(err, wire.ErrTooLarge) {
		t.Fatalf("tiny packets: %v", err)
	}
	if _, err := a.Confirmed(wire.AppendPadding(nil, 100), 1400); !errors.Is(err, wire.ErrMalformed) {
		t.Fatalf("without RouterInfo: %v", err)
	}
	// What Bob stores is bounded: Alice may send more, and it is dropped.
	a, b := p.toCreated(t)
	packets, err := a.Confirmed(wire.AppendPadding(routerInfoPayload(3000), 2000), 1400)
	if err != nil {
		t.Fatal(err)
	}
	for n, packet := range packets {
		_, complete, err := b.OpenConfirmed(packet)
		if complete || (err != nil) != (n == len(packets)-1) || err != nil && !errors.Is(err, wire.ErrFragment) {
			t.Fatalf("packet %d: %v", n, err)
		}
	}
}
