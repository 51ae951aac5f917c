package gate

import (
	"net"
	"net/netip"
	"testing"
)

func TestPublicAddresses(t *testing.T) {
	for _, good := range []string{"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "198.17.0.1", "223.255.255.255",
		"2606:4700::1111", "2a00:1450::1", "2001:200::1", "::ffff:8.8.8.8"} {
		if !isPublic(netip.MustParseAddr(good)) {
			t.Errorf("%s is public", good)
		}
	}
	for _, bad := range []string{"0.0.0.0", "0.1.2.3", "10.255.255.255", "100.64.0.0", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.255",
		"168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.255.255", "198.18.0.1",
		"198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1",
		"ff02::1", "2001::1", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:0808:0808::1", "3fff::1", "2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:10.0.0.1", "2606:4700::1%eth0"} {
		if isPublic(netip.MustParseAddr(bad)) {
			t.Errorf("%s is not public", bad)
		}
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address is not public")
	}
}

func TestOwnAddressesAreNotPublic(t *testing.T) {
	c := newClearnet(Config{})
	c.own = func() ([]net.Addr, error) {
		return []net.Addr{&net.IPNet{IP: net.ParseIP("9.9.9.9"), Mask: net.CIDRMask(24, 32)}, &net.IPNet{IP: net.ParseIP("2606:4700::1"), Mask: net.CIDRMask(64, 128)}}, nil
	}
	good, err := c.public([]netip.Addr{netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("9.9.9.8"), netip.MustParseAddr("2606:4700::1")}, 80)
	if err != nil || len(good) != 1 || good[0].String() != "9.9.9.8" {
		t.Errorf("%v, %v; want 9.9.9.8: the others are of this machine", good, err)
	}
}

func FuzzClearnetName(f *testing.F) {
	for _, s := range []string{"example.org", "127.0.0.1", "127.1", "0x7f.1", "localhost", "a.i2p.", "[::1]", "xn--bcher-kva.example", "..", "a..b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if clearnetName(host) != nil {
			return
		}
		if _, err := netip.ParseAddr(host); err == nil {
			t.Errorf("%q is an address, and would be asked of the DNS", host)
		}
		for _, r := range host {
			if r <= ' ' || r >= 0x7f || r == '/' || r == ':' || r == '%' {
				t.Errorf("%q would be asked of the DNS", host)
			}
		}
	})
}
