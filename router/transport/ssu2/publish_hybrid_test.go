package ssu2

import "testing"

// A handshake that does not fit our MTU is not offered: peers that look at the first alone would take none.
func TestPublishedHandshakesFitTheMTU(t *testing.T) {
	for mtu, want := range map[int]string{minMTU: "3", 1337: "3", 1338: "4,3", maxMTU: "4,3"} {
		r := newRouter(t, func(c *Config, _ *Deps) { c.PostQuantum, c.MTU = []byte{4, 3}, mtu })
		for _, a := range r.transport.Addresses() {
			if got := a.Options.Get("pq"); got != want {
				t.Errorf("MTU %d: pq=%s, want %s", mtu, got, want)
			}
		}
	}
}
