package ssu2

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"

	"clove.i2p/tests/simnet"
)

// A forged source has no Retry sent to the service behind it.
func TestNoRetryGoesToServices(t *testing.T) {
	for port, taken := range map[uint16]bool{53: false, 1023: false, 1900: false, 1901: true} {
		synctest.Test(t, func(t *testing.T) {
			n := simnet.NewInternet(1)
			b, _ := newHost(t, n, 1, lossy(0), func(c *Config, _ *Deps) { c.AllowPrivate = false })
			b.serve()
			a := newRouter(t, on(n.Host("a", netip.MustParseAddr("11.0.7.1")), fmt.Sprint("11.0.7.1:", port)))
			a.serve()
			_, err := a.transport.Dial(t.Context(), b.self())
			if (err == nil) != taken || err != nil && !errors.Is(err, errTimeout) || (b.running().c.retries.Load() > 0) != taken {
				t.Errorf("from port %d: %v, %d Retries", port, err, b.running().c.retries.Load())
			}
		})
	}
}

func TestSessionsMoveToNoServices(t *testing.T) {
	_, _, s, _ := pair(t)
	s.s.cfg.AllowPrivate = false
	for to, want := range map[string]bool{"11.9.9.9:9": false, "11.9.9.9:11211": false, "10.9.9.9:9000": false, "[2600::1]:9000": false, "11.9.9.9:9000": true} {
		if s.mayMove(netip.MustParseAddrPort(to)) != want {
			t.Errorf("%s: %v", to, !want)
		}
	}
}
