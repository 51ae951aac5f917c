package socks

import "testing"

// A peer without a port is one, too: servers that take all ports answer so.
func TestSplitPeer(t *testing.T) {
	for from, want := range map[string]int{"x.b32.i2p:0": 0, "x.b32.i2p:65535": 65535, "x.b32.i2p:65536": -1, "x.b32.i2p": -1, "x.b32.i2p:": -1} {
		host, port, err := splitPeer(from)
		if want < 0 && err == nil || want >= 0 && (err != nil || host != "x.b32.i2p" || port != want) {
			t.Errorf("%s: %q %d %v", from, host, port, err)
		}
	}
}
