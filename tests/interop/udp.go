//go:build linux

package interop

import "net"

// i2pd reads new tunnels while it runs, but stops new UDP tunnels at once: they have to be there when it starts.

// UDPServerTunnel is a tunnel of i2pd that passes datagrams for the eepsite's destination on to a local UDP server.
func (n *Network) UDPServerTunnel(name string, backend *net.UDPAddr) string {
	return Section(name, append(Pool(hops, 3), "type", "udpserver", "host", backend.IP, "port", backend.Port, "keys", "eepsite.dat")...)
}

// UDPClientTunnel is a tunnel of i2pd from a UDP port of loopback to a port of a destination, which signs with keys of
// a type.
func (n *Network) UDPClientTunnel(name string, port int, destination string, destinationPort int, signatureType uint16) string {
	return Section(name, append(Pool(hops, 2), "type", "udpclient", "address", "127.0.0.1", "port", port, "destination", destination,
		"destinationport", destinationPort, "keys", name+".dat", "signaturetype", signatureType)...)
}
