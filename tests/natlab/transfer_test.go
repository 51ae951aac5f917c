//go:build linux

package natlab_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"clove.i2p/tests/natlab"
)

// A scenario is what the uplink of the server does to the packets of both directions.
type scenario struct {
	name       string
	impairment natlab.Impairment
	short      bool // one of the short version
}

// delay of one direction, in all scenarios but the first.
const delay = 10 * time.Millisecond

var scenarios = []scenario{
	{"nothing", natlab.Impairment{}, true},
	{"delay 20 ms", natlab.Impairment{Delay: delay}, false},
	{"loss 1 %", natlab.Impairment{Delay: delay, Loss: 0.01}, true},
	{"loss 5 %", natlab.Impairment{Delay: delay, Loss: 0.05}, false},
	{"loss 10 %", natlab.Impairment{Delay: delay, Loss: 0.10}, false},
	{"reorder 10 % by 10 ms", natlab.Impairment{Delay: delay, Reorder: 0.10, ReorderBy: delay}, false},
	{"jitter 10 ms", natlab.Impairment{Delay: delay, Jitter: delay}, false},
	{"duplicate 10 %", natlab.Impairment{Delay: delay, Duplicate: 0.10}, false},
	{"corrupt 1 %", natlab.Impairment{Delay: delay, Corrupt: 0.01}, false},
	{"rate 500 kB/s", natlab.Impairment{Delay: delay, Rate: 500e3, Queue: 64 << 10}, false},
	{"black hole over 1280", natlab.Impairment{Delay: delay, MaxSize: 1280}, false},
}

// measure downloads from the site behind the relay in each scenario. What does not arrive whole in time is an error if it must.
func measure(t *testing.T, client *http.Client, site string, relay *natlab.Relay, size int64, patience time.Duration, must bool) {
	for i, s := range scenarios {
		if !long && !s.short {
			continue
		}
		relay.Seed(uint64(i))
		relay.Set(s.impairment)
		out0, in0 := relay.Counts()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		got := natlab.Download(ctx, client, site, size)
		cancel()
		out, in := relay.Counts()
		relay.Set(natlab.Impairment{})
		t.Logf("%-22s %v; sent %.2f of that, %d packets out, %d in, dropped %d and %d", s.name, got,
			float64(out.Bytes-out0.Bytes)/float64(max(1, got.Bytes)), out.Packets-out0.Packets, in.Packets-in0.Packets,
			out.Lost+out.Overflow-out0.Lost-out0.Overflow, in.Lost+in.Overflow-in0.Lost-in0.Overflow)
		if got.Err != nil && (must || !errors.Is(got.Err, context.DeadlineExceeded)) {
			t.Errorf("%s: %v", s.name, got.Err)
		}
	}
}

// The baseline that clove is compared with: over SSU2 alone, tunnels without hops, so that all goes over one session.
func TestI2pdTransfers(t *testing.T) {
	slow(t)
	transfers(t, startI2pd, startI2pd, false)
}

func TestCloveTransfers(t *testing.T) {
	besides(t)
	transfers(t, startClove, startClove, true)
}

func TestCloveToI2pdTransfers(t *testing.T) {
	if !long {
		t.Skip("CLOVE_INTEROP_LONG=1 runs this")
	}
	transfers(t, startClove, startI2pd, true)
}

func TestI2pdToCloveTransfers(t *testing.T) {
	if !long {
		t.Skip("CLOVE_INTEROP_LONG=1 runs this")
	}
	transfers(t, startI2pd, startClove, true)
}

// A starter starts a router, with an eepsite or without.
type starter func(t *testing.T, n *natlab.Network, s natlab.Spec, eepsite bool) (router, *natlab.Host)

func startI2pd(t *testing.T, n *natlab.Network, s natlab.Spec, eepsite bool) (router, *natlab.Host) {
	t.Helper()
	r, err := n.StartI2pd(t.Context(), s, natlab.I2pdConfig{Fixed: s.Kind == natlab.Public, Bandwidth: "L", LogLevel: level(), Eepsite: eepsite})
	check(t, err)
	return r, r.Host
}

func startClove(t *testing.T, n *natlab.Network, s natlab.Spec, eepsite bool) (router, *natlab.Host) {
	t.Helper()
	r, err := n.StartClove(t.Context(), s, natlab.CloveConfig{Fixed: s.Kind == natlab.Public, LogLevel: cloveLevel(), Eepsite: eepsite})
	check(t, err)
	return r, r.Host
}

// startEnds starts a server, whose uplink is a relay, and a client in a network of i2pd, and returns when the client can
// read the eepsite.
func startEnds(t *testing.T, server, client starter, kind natlab.Kind) (site string, behind, h *natlab.Host) {
	t.Helper()
	n := newNetwork(t)
	if _, err := n.StartPublic(t.Context(), 6, natlab.I2pdConfig{LogLevel: level()}); err != nil {
		t.Fatal(err)
	}
	r, behind := server(t, n, natlab.Spec{Name: "server", Relay: true}, true)
	_, h = client(t, n, natlab.Spec{Name: "client", Kind: kind}, false)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	site, err := r.Site(ctx)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := read(t.Context(), h, site, 4*time.Minute); err != nil {
		t.Fatal(err)
	}
	t.Logf("the site can be read after %v", time.Since(began).Round(100*time.Millisecond))
	return site, behind, h
}

// transfers measures downloads in each scenario.
func transfers(t *testing.T, server, client starter, must bool) {
	site, behind, h := startEnds(t, server, client, natlab.Public)
	size, patience := int64(2<<20), 30*time.Second
	if long {
		size, patience = 10<<20, 3*time.Minute
	}
	measure(t, h.HTTPClient(), site, behind.Uplink(), size, patience, must)
}

// The NAT box of the client gets another address in the middle of a download.
func TestI2pdMoves(t *testing.T) { moves(t, startI2pd, startI2pd, false) }

func TestCloveMoves(t *testing.T) { moves(t, startClove, startClove, true) }

func moves(t *testing.T, server, client starter, must bool) {
	if !long {
		t.Skip("CLOVE_INTEROP_LONG=1 runs this")
	}
	site, behind, h := startEnds(t, server, client, natlab.PortRestricted)
	const size = 4 << 20
	behind.Uplink().Set(natlab.Impairment{Delay: delay, Rate: 400e3})
	moved := make(chan error, 1)
	time.AfterFunc(4*time.Second, func() { moved <- h.Move() })
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	got := natlab.Download(ctx, h.HTTPClient(), site, size)
	if err := <-moved; err != nil {
		t.Fatal(err)
	}
	t.Logf("%v", got)
	if got.Err != nil && must {
		t.Error(got.Err)
	}
}
