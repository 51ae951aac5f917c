package portmap

import (
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// local is the IPv4 address of this host towards the gateway; not valid if there is none. Nothing is sent.
func (m *Mapper) local(router netip.Addr) netip.Addr {
	if m.cfg.Local.IsValid() || !router.IsValid() {
		return m.cfg.Local.Unmap()
	}
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(router, controlPort)))
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// bypassed reports whether packets to the internet leave from another address than those to the gateway.
func (m *Mapper) bypassed(local netip.Addr) bool {
	if m.cfg.Source == nil {
		return false
	}
	source := m.cfg.Source()
	return source.IsValid() && source.Unmap() != local
}

// defaultGateway is the IPv4 gateway of the default route on Linux; not valid without one and on other systems, where only UPnP
// is tried, or Config.Gateway says it.
func defaultGateway() netip.Addr {
	table, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return netip.Addr{}
	}
	return parseRoutes(string(table))
}

// parseRoutes finds the default route with the least metric in /proc/net/route (proc(5)):
//
//	Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT, addresses as hexadecimal numbers of the host's order
func parseRoutes(table string) (best netip.Addr) {
	const up, viaGateway = 1, 2
	least := uint64(1 << 63)
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		flags, err1 := strconv.ParseUint(f[3], 16, 16)
		metric, err2 := strconv.ParseUint(f[6], 10, 32)
		ip, err3 := hex.DecodeString(f[2])
		if err1 != nil || err2 != nil || err3 != nil || len(ip) != 4 || flags&(up|viaGateway) != up|viaGateway || metric >= least {
			continue
		}
		// Little endian on all systems that Go has Linux for but s390x, mips and ppc64, where UPnP remains.
		best, least = netip.AddrFrom4([4]byte{ip[3], ip[2], ip[1], ip[0]}), metric
	}
	return best
}
