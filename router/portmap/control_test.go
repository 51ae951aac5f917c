package portmap

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/portmap/portmaptest"
)

// A control is a simulated gateway for PCP and NAT-PMP, on port 5351.
type control struct {
	portmaptest.Table
	t        *testing.T
	at       netip.Addr
	conn     *net.UDPConn
	pcp      bool
	result   byte
	external netip.AddrPort // port 0: as asked for
	lease    time.Duration  // 0: as asked for
	garbage  bool           // before each answer
	nonces   map[string][12]byte
}

func newControl(t *testing.T, set func(c *control)) *control {
	t.Helper()
	c := &control{t: t, at: portmaptest.Host(), external: netip.MustParseAddrPort("11.22.33.44:0"), nonces: make(map[string][12]byte)}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.at, controlPort)))
	if err != nil {
		t.Fatal(err)
	}
	c.conn = conn
	set(c)
	t.Cleanup(func() { conn.Close() })
	go c.serve()
	return c
}

func (c *control) serve() {
	b := make([]byte, 2048)
	for {
		n, from, err := c.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		answer := c.natpmp(b[:n], from)
		if n > 0 && b[0] == pcpVersion {
			answer = []byte{0, 0x80, 0, 1, 0, 0, 0, 1} // version not supported
			if c.pcp {
				answer = c.answerPCP(b[:n], from)
			}
		}
		if c.garbage {
			for _, g := range [][]byte{{}, {2}, make([]byte, 1500), append([]byte{2, 0x81}, make([]byte, 58)...)} {
				c.conn.WriteToUDPAddrPort(g, from)
			}
			if len(answer) >= 60 { // for another mapping
				other := append([]byte(nil), answer...)
				other[24] ^= 1
				other[43] ^= 1
				c.conn.WriteToUDPAddrPort(other, from)
			}
		}
		c.conn.WriteToUDPAddrPort(answer, from)
	}
}

func (c *control) natpmp(b []byte, _ netip.AddrPort) []byte {
	be := func(v uint32, n int) []byte {
		return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}[4-n:]
	}
	ip := c.external.Addr().As4()
	switch {
	case len(b) == 2 && b[0] == 0 && b[1] == 0:
		return append([]byte{0, 128, 0, c.result, 0, 0, 0, 9}, ip[:]...)
	case len(b) == 12 && b[0] == 0 && (b[1] == 1 || b[1] == 2):
		internal, external := uint32(b[4])<<8|uint32(b[5]), uint32(b[6])<<8|uint32(b[7])
		lease := uint32(b[8])<<24 | uint32(b[9])<<16 | uint32(b[10])<<8 | uint32(b[11])
		key := fmt.Sprint([]string{1: "UDP ", 2: "TCP "}[b[1]], internal)
		if lease == 0 {
			if external != 0 {
				c.t.Error("a removal with an external port")
			}
			c.Remove(key)
		} else {
			if c.lease > 0 {
				lease = uint32(c.lease / time.Second)
			}
			c.Add(key, portmaptest.Entry{Internal: uint16(internal), Lease: time.Duration(lease) * time.Second})
		}
		out := append([]byte{0, 128 + b[1], 0, c.result, 0, 0, 0, 9}, be(internal, 2)...)
		return append(append(out, be(external, 2)...), be(lease, 4)...)
	}
	return nil
}

// answerPCP reads a request by offsets of RFC 6887, figures 2 and 9, not by our codec.
func (c *control) answerPCP(b []byte, from netip.AddrPort) []byte {
	out := make([]byte, 60)
	copy(out[24:], b[24:])
	out[0], out[1], out[3] = 2, 0x81, c.result
	client := netip.AddrFrom16([16]byte(b[8:24])).Unmap()
	if len(b) != 60 || b[1] != 1 || client != from.Addr() || b[36] != 6 && b[36] != 17 {
		c.t.Errorf("request % x from %v", b, from)
		out[3] = 3
		return out
	}
	lease := time.Duration(uint32(b[4])<<24|uint32(b[5])<<16|uint32(b[6])<<8|uint32(b[7])) * time.Second
	internal := uint16(b[40])<<8 | uint16(b[41])
	key := fmt.Sprint(map[byte]string{6: "TCP ", 17: "UDP "}[b[36]], internal)
	if old, ok := c.nonces[key]; ok && old != [12]byte(b[24:36]) {
		c.t.Errorf("%s: another nonce", key)
	}
	c.nonces[key] = [12]byte(b[24:36])
	if c.result != 0 {
		return out
	}
	if lease == 0 {
		c.Remove(key)
		return out
	}
	if c.lease > 0 {
		lease = c.lease
	}
	s := uint32(lease / time.Second)
	out[4], out[5], out[6], out[7] = byte(s>>24), byte(s>>16), byte(s>>8), byte(s)
	if p := c.external.Port(); p != 0 {
		out[42], out[43] = byte(p>>8), byte(p)
	}
	ip := c.external.Addr().As16()
	copy(out[44:], ip[:])
	c.Add(key, portmaptest.Entry{Client: client.String(), Internal: internal, Lease: lease})
	return append(out, 1, 0, 0, 4, 0, 0, 0, 0) // an option that nobody knows
}
