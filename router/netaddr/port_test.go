package netaddr

import "testing"

func TestPeerPort(t *testing.T) {
	for port, want := range map[uint16]bool{
		0: false, 53: false, 123: false, 443: false, 1023: false, 1024: true, 1900: false, 3478: false, 5353: false, 9000: true, 11211: false, 31000: true, 65535: true,
	} {
		if PeerPort(port) != want {
			t.Errorf("port %d: %v", port, !want)
		}
	}
}
