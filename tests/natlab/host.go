//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// inside is the address of a host behind a NAT box, and box what it sees of that.
var inside, box = netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("192.168.1.1")

// A Spec says what a host is.
type Spec struct {
	Name string
	Kind Kind
	// Ports of UDP that the NAT box shows as others, inside to outside. Those not named keep their number, but for
	// those of Symmetric, which never do.
	Ports map[uint16]uint16
	// Relay makes the uplink one that can be impaired, at some cost for each packet.
	Relay bool
}

// A Host is a machine of the lab: a namespace on the internet, or behind a NAT box, which is another namespace.
type Host struct {
	Spec
	lab    *Lab
	number int        // from 1, and the name of the internet's device to it
	ns     *namespace // of the host itself
	edge   *namespace // what has the outside address: the NAT box, or ns
	v4, v6 netip.Addr // outside
	relay  *Relay
}

// NewHost adds a host.
func (l *Lab) NewHost(s Spec) (*Host, error) {
	h := &Host{Spec: s, lab: l}
	var err error
	if h.v4, h.v6, err = l.newAddress(); err != nil {
		return nil, err
	}
	if h.ns, err = newNamespace(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.hosts = append(l.hosts, h)
	h.number = len(l.hosts)
	l.mu.Unlock()
	h.edge = h.ns
	if s.Kind.isNAT() {
		if err := h.addBox(); err != nil {
			return nil, err
		}
	}
	if err := h.connect(); err != nil {
		return nil, err
	}
	if err := h.loadRules(); err != nil {
		return nil, err
	}
	return h, h.settle()
}

// settle waits until the kernel passes packets.
func (h *Host) settle() error {
	err := errors.Join(h.lab.internet.settle(h.device()), h.edge.settle("up"), h.ns.settle("up"))
	if err == nil && h.hasIPv6() {
		err = h.edge.await(h.v6.String(), "-6", "route", "show", "table", "local")
	}
	return err
}

// addBox puts a router between the host and its uplink. There is no IPv6 behind it.
func (h *Host) addBox() (err error) {
	if h.edge, err = newNamespace(); err != nil {
		return err
	}
	if err := h.edge.sysctl("net/ipv4/ip_forward=1"); err != nil {
		return err
	}
	if err := h.edge.ip("link add lan type veth peer name up netns "+h.ns.path,
		"addr add "+box.String()+"/24 dev lan", "link set dev lan up"); err != nil {
		return err
	}
	return h.ns.ip("addr add "+inside.String()+"/24 dev up", "link set dev up up", "route add default via "+box.String())
}

// device is the internet's end of the uplink.
func (h *Host) device() string { return fmt.Sprintf("h%d", h.number) }

// connect makes the uplink: a pair of devices, with routes instead of networks, so that all hosts are alike.
func (h *Host) connect() (err error) {
	up4, up6 := "via "+gateway4+" dev up onlink", "via "+gateway6+" dev up onlink"
	if h.Relay {
		if h.relay, err = newRelay(h.lab.internet, h.device(), h.edge, "up", int64(h.number)); err != nil {
			return err
		}
		up4, up6 = "dev up", "dev up"
	} else if err := h.lab.internet.ip("link add " + h.device() + " address " + gatewayMAC + " type veth peer name up address " + hostMAC +
		" netns " + h.edge.path); err != nil {
		return err
	}
	if err := h.lab.internet.ip("addr add "+gateway4+"/32 dev "+h.device(), "addr add "+gateway6+"/64 dev "+h.device()+" nodad",
		"link set dev "+h.device()+" up"); err != nil {
		return err
	}
	if err := h.edge.ip("link set dev up up"); err != nil {
		return err
	}
	if err := h.appear(); err != nil {
		return err
	}
	commands := []string{"route add default " + up4}
	if h.hasIPv6() {
		commands = append(commands, "route add ::/0 "+up6)
	}
	if !h.Relay {
		commands = append(commands, "neigh add "+gateway4+" lladdr "+gatewayMAC+" dev up")
		if h.hasIPv6() {
			commands = append(commands, "neigh add "+gateway6+" lladdr "+gatewayMAC+" dev up")
		}
	}
	return h.edge.ip(commands...)
}

func (h *Host) hasIPv6() bool { return h.edge == h.ns }

// appear gives the edge its outside addresses, and the internet the way to them.
func (h *Host) appear() error {
	here, there := []string{"addr add " + h.v4.String() + "/32 dev up"}, []string{"route add " + h.v4.String() + "/32 dev " + h.device()}
	if h.hasIPv6() {
		here = append(here, "addr add "+h.v6.String()+"/128 dev up nodad")
		there = append(there, "route add "+h.v6.String()+"/128 dev "+h.device())
	}
	if !h.Relay { // nobody has to ask, and to wait for the answer
		there = append(there, "neigh add "+h.v4.String()+" lladdr "+hostMAC+" dev "+h.device())
		if h.hasIPv6() {
			there = append(there, "neigh add "+h.v6.String()+" lladdr "+hostMAC+" dev "+h.device())
		}
	}
	return errors.Join(h.edge.ip(here...), h.lab.internet.ip(there...))
}

// Addr is the address that the host has itself, and Outside the one that others see.
func (h *Host) Addr() netip.Addr {
	if h.Kind.isNAT() {
		return inside
	}
	return h.v4
}

// Outside is the IPv4 address that others see.
func (h *Host) Outside() netip.Addr { return h.v4 }

// Outside6 is the IPv6 address, or none behind a NAT box.
func (h *Host) Outside6() netip.Addr {
	if !h.hasIPv6() {
		return netip.Addr{}
	}
	return h.v6
}

// Uplink is the relay, or nil.
func (h *Host) Uplink() *Relay { return h.relay }

// ListenUDP opens a socket on the host.
func (h *Host) ListenUDP(local netip.AddrPort) (*net.UDPConn, error) { return h.ns.listenUDP(local) }

// DialContext connects from the host, to an IP address.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return h.ns.dial(ctx, network, address)
}

// Do runs f on a thread that is in the host's network.
func (h *Host) Do(f func() error) error { return h.ns.do(f) }

func (h *Host) close() error {
	var err error
	if h.relay != nil {
		err = h.relay.Close()
	}
	if h.edge != nil && h.edge != h.ns {
		h.edge.close()
	}
	h.ns.close()
	return err
}
