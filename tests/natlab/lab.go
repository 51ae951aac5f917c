//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"clove.i2p/tests/netns"
)

// i2pd refuses peers on addresses that it takes for reserved, and misses these two, which are for benchmarks of devices
// (RFC 2544 and RFC 5180).
var (
	outside4 = netip.MustParsePrefix("198.18.0.0/15")
	outside6 = netip.MustParsePrefix("2001:2::/48")
)

// NetworkID of the I2P network.
const NetworkID = netns.NetworkID

// The routers at the other end of a host's uplink, the same for all.
const gateway4, gateway6 = "169.254.0.1", "fe80::1"

// The addresses of Ethernet at both ends of an uplink.
const gatewayMAC, hostMAC = "02:00:00:00:00:01", "02:00:00:00:00:02"

// maxHosts is what the plan of addresses has room for.
const maxHosts = 200

// A Lab is an internet in a namespace, of which a Host sees nothing but addresses.
type Lab struct {
	internet *namespace

	mu    sync.Mutex
	hosts []*Host
	used  int // outside addresses given away
}

// New makes an internet without hosts. It fails where namespaces, ip or nft are not to be had.
func New() (*Lab, error) {
	internet, err := newNamespace()
	if err != nil {
		return nil, err
	}
	err = internet.sysctl("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1")
	if err == nil {
		err = internet.nft(replaceTable("ip", "")) // without packet filters there are no NAT boxes
	}
	if err != nil {
		internet.close()
		return nil, err
	}
	return &Lab{internet: internet}, nil
}

// newAddress gives an outside address away: each is of another /24 and /64.
func (l *Lab) newAddress() (v4, v6 netip.Addr, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used == maxHosts {
		return v4, v6, fmt.Errorf("natlab: more than %d outside addresses", maxHosts)
	}
	l.used++
	b4, b6 := outside4.Addr().As4(), outside6.Addr().As16()
	b4[2], b4[3] = byte(l.used), 1
	b6[7], b6[15] = byte(l.used), 1
	return netip.AddrFrom4(b4), netip.AddrFrom16(b6), nil
}

// Close takes the lab away. Processes in it should have been stopped.
func (l *Lab) Close() error {
	var errs []error
	for _, h := range l.hosts {
		errs = append(errs, h.close())
	}
	l.internet.close()
	return errors.Join(errs...)
}
