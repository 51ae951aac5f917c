//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"

	"clove.i2p/tests/interop"
)

// startI2pd starts the same network of i2pd. It has an eepsite and proxies for each tunnel length.
func (n *network) startI2pd(ctx context.Context) (err error) {
	transports := n.transports
	if len(transports) == 0 {
		transports = []string{interop.NTCP2, interop.SSU2}
	}
	n.i2pd, err = interop.StartNetwork(ctx, n.options.i2pd, n.dir, transports, func(net *interop.Network) error {
		net.Client.Hops = n.hops[0]
		var sites, proxies []string
		for i, hops := range n.hops {
			sites = append(sites, tunnel(siteName(i), "http", hops, "host = 127.0.0.1", fmt.Sprintf("port = %d", net.Web.Address().Port),
				"keys = "+siteName(i)+".dat", "gzip = false"))
			if i == 0 {
				continue // these are the usual proxies
			}
			for kind, port := range map[string]int{"httpproxy": httpPort, "socks": socksPort} {
				name := fmt.Sprintf("%s-%d", kind, i)
				proxies = append(proxies, tunnel(name, kind, hops, "address = 127.0.0.1", fmt.Sprintf("port = %d", port+portStep*i), "keys = "+name+".dat"))
			}
		}
		if err := net.Server.SetTunnels(sites...); err != nil {
			return err
		}
		return net.Client.SetTunnels(proxies...)
	})
	if err != nil {
		return err
	}
	n.web = n.i2pd.Web
	n.client.i2pd, n.server.i2pd = n.i2pd.Client, n.i2pd.Server
	for i, r := range n.i2pd.Transit {
		n.transit[i].i2pd = r
	}
	return nil
}

// portStep is between the ports of the proxies for one length of tunnels and for the next.
const portStep = 10

// siteName is that of the tunnel of a length. The first is the one that interop looks for.
func siteName(i int) string {
	if i == 0 {
		return "eepsite"
	}
	return fmt.Sprintf("eepsite-%d", i)
}

func tunnel(name, kind string, hops int, more ...string) string {
	return fmt.Sprintf("\n[%s]\ntype = %s\ninbound.length = %d\noutbound.length = %d\ninbound.quantity = %d\noutbound.quantity = %d\n%s\n",
		name, kind, hops, hops, quantity, quantity, strings.Join(more, "\n"))
}

// chooseEnds turns to the eepsite and the proxies of a length.
func (n *network) chooseEnds(ctx context.Context, length int) (err error) {
	for i, hops := range n.hops {
		if hops == length {
			n.offset = portStep * i
			if n.eepsite, err = n.server.i2pd.Base32(siteName(i) + ".dat"); err != nil {
				return err
			}
		}
	}
	return n.waitReady(ctx)
}
