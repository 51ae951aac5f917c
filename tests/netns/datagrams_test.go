//go:build linux

package netns_test

import (
	"net"
	"testing"

	"clove.i2p/tests/netns"
)

func TestUDPCountsWhatIsSent(t *testing.T) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	before, err := netns.UDP()
	if err != nil {
		t.Fatal(err)
	}
	const n = 20
	for range n {
		if _, err := conn.WriteTo([]byte{1}, conn.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	after, err := netns.UDP()
	if err != nil || after.Sent < before.Sent+n {
		t.Errorf("%d after %d datagrams and %d, %v", after.Sent, before.Sent, n, err)
	}
}
