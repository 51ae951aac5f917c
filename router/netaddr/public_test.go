package netaddr

import (
	"net/netip"
	"testing"
)

func TestPublic(t *testing.T) {
	for ip, want := range map[string]bool{
		"0.0.0.0": false, "0.255.255.255": false, "1.0.0.0": true,
		"9.255.255.255": true, "10.0.0.0": false, "10.255.255.255": false, "11.0.0.0": true,
		"100.63.255.255": true, "100.64.0.0": false, "100.127.255.255": false, "100.128.0.0": true,
		"126.255.255.255": true, "127.0.0.1": false, "128.0.0.0": true,
		"169.253.255.255": true, "169.254.1.1": false, "169.255.0.0": true,
		"172.15.255.255": true, "172.16.0.0": false, "172.31.255.255": false, "172.32.0.0": true,
		"192.0.0.9": false, "192.0.1.0": true, "192.0.2.1": false, "192.0.3.0": true,
		"192.31.196.1": false, "192.31.197.0": true, "192.52.193.1": false, "192.175.48.1": false,
		"192.88.98.255": true, "192.88.99.0": false, "192.88.99.255": false, "192.88.100.0": true,
		"192.167.255.255": true, "192.168.0.1": false, "192.169.0.0": true,
		"198.17.255.255": true, "198.18.0.0": false, "198.19.255.255": false, "198.20.0.0": true,
		"198.51.100.1": false, "198.51.101.0": true, "203.0.113.255": false, "203.0.114.0": true,
		"223.255.255.255": true, "224.0.0.0": false, "240.0.0.1": false, "255.255.255.255": false,

		"::": false, "::1": false, "::8.8.8.8": false, "64:ff9b::8.8.8.8": false, "64:ff9b:1::1": false, "100::1": false,
		"1fff:ffff::1": false, "2000::1": true,
		"2001::1": false, "2001:0:4136:e378:8000:63bf:3fff:fdd2": false, "2001:2::1": false, "2001:20::1": false, "2001:1ff:ffff::1": false, "2001:200::1": true,
		"2001:db7::1": true, "2001:db8::1": false, "2001:db9::1": true,
		"2001:ffff::1": true, "2002:808:808::1": false, "2002:a00:1::1": false, "2003::1": true,
		"2600::1": true, "2620:4f:7fff::1": true, "2620:4f:8000::1": false, "2620:4f:8001::1": true,
		"3ffe::1": true, "3fff::1": false, "3fff:fff:ffff::1": false, "3fff:1000::1": true, "4000::1": false,
		"5f00::1": false, "fc00::1": false, "fd00::1": false, "fe80::1": false, "fec0::1": false, "ff02::1": false, "ffff::1": false,
		"2600::1%eth0": false, "fe80::1%eth0": false,

		"::ffff:8.8.8.8": true, "::ffff:10.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:192.88.99.1": false, "::ffff:100.64.0.1": false,
	} {
		if got := Public(netip.MustParseAddr(ip)); got != want {
			t.Errorf("Public(%s) = %v", ip, got)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestPublicAllocatesNothing(t *testing.T) {
	ip := netip.MustParseAddr("2600::1")
	if n := testing.AllocsPerRun(100, func() { Public(ip); Group(ip, 16, 32) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestGroup(t *testing.T) {
	for _, tc := range []struct {
		ip           string
		bits4, bits6 int
		want         string
	}{
		{"11.22.33.44", 16, 32, "11.22.0.0/16"},
		{"11.22.33.44", 24, 48, "11.22.33.0/24"},
		{"11.22.33.44", 32, 64, "11.22.33.44/32"},
		{"::ffff:11.22.33.44", 24, 48, "11.22.33.0/24"},
		{"2600:1:2:3:4::5", 16, 32, "2600:1::/32"},
		{"2600:1:2:3:4::5", 24, 48, "2600:1:2::/48"},
		{"2600:1:2:3:4::5", 32, 64, "2600:1:2:3::/64"},
		{"fe80::1%eth0", 32, 64, "fe80::/64"},
	} {
		if got := Group(netip.MustParseAddr(tc.ip), tc.bits4, tc.bits6); got != netip.MustParsePrefix(tc.want) {
			t.Errorf("Group(%s, %d, %d) = %v", tc.ip, tc.bits4, tc.bits6, got)
		}
	}
	if p := Group(netip.Addr{}, 16, 32); p.IsValid() {
		t.Errorf("a group without an address: %v", p)
	}
}
