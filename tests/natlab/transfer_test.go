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
}

// measure downloads from the site behind the relay in each scenario.
func measure(t *testing.T, client *http.Client, site string, relay *natlab.Relay, size int64, patience time.Duration) {
	began := time.Now()
	warm(t, client, site)
	t.Logf("the site can be read after %v", time.Since(began).Round(100*time.Millisecond))
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
		if got.Err != nil && !errors.Is(got.Err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", s.name, got.Err)
		}
	}
}

// warm waits until the site can be read.
func warm(t *testing.T, client *http.Client, site string) {
	t.Helper()
	eventually(t, 3*time.Minute, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		return natlab.Download(ctx, client, site, 1000).Err
	})
}

// A router is what downloads and serves: i2pd or clove.
type router interface {
	Site(ctx context.Context) (string, error)
}

// The baseline that clove is compared with: i2pd to i2pd over SSU2 alone, their tunnels without hops, so that all goes over
// one session.
func TestI2pdTransfers(t *testing.T) {
	transfers(t,
		func(n *natlab.Network, s natlab.Spec) (router, *natlab.Host, error) { return startI2pd(t, n, s, true) },
		func(n *natlab.Network, s natlab.Spec) (router, *natlab.Host, error) { return startI2pd(t, n, s, false) })
}

func startI2pd(t *testing.T, n *natlab.Network, s natlab.Spec, eepsite bool) (router, *natlab.Host, error) {
	r, err := n.StartI2pd(t.Context(), s, natlab.I2pdConfig{Fixed: true, Bandwidth: "L", LogLevel: level(), Eepsite: eepsite})
	if err != nil {
		return nil, nil, err
	}
	return r, r.Host, nil
}

type starter func(*natlab.Network, natlab.Spec) (router, *natlab.Host, error)

// transfers measures a client and a server in a network of i2pd.
func transfers(t *testing.T, server, client starter) {
	n := newNetwork(t)
	if _, err := n.StartPublic(t.Context(), 6, natlab.I2pdConfig{LogLevel: level()}); err != nil {
		t.Fatal(err)
	}
	r, behind, err := server(n, natlab.Spec{Name: "server", Relay: true})
	if err != nil {
		t.Fatal(err)
	}
	_, h, err := client(n, natlab.Spec{Name: "client"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	site, err := r.Site(ctx)
	if err != nil {
		t.Fatal(err)
	}
	size, patience := int64(2<<20), 20*time.Second
	if long {
		size, patience = 10<<20, 3*time.Minute
	}
	measure(t, h.HTTPClient(), site, behind.Uplink(), size, patience)
}
