package gate

import (
	"net"
	"strconv"
	"strings"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// peerOf tells who is at the other end of an I2P stream: RemoteAddr is "x.b32.i2p:port".
func peerOf(conn net.Conn) *pb.Address {
	a := new(pb.Address)
	remote := conn.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(remote); err == nil {
		a.Base32 = host
	} else {
		a.Base32 = remote
	}
	if p, ok := conn.(interface{ PeerBase64() string }); ok {
		a.Base64 = p.PeerBase64()
	}
	return a
}

// portOf is the port of an address such as ":80", 0 if it has none.
func portOf(a net.Addr) uint32 {
	if a == nil {
		return 0
	}
	_, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(port, 10, 16)
	return uint32(n)
}

// minBase64 is how long a destination in base64 is at least: 387 bytes.
const minBase64 = 516

// i2pAddress checks an address of a call and returns host:port; a missing port is 0.
func i2pAddress(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, "0"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", refuse(api.ErrInvalid, "port %.20q is no number up to 65535", port)
	}
	if err := i2pName(host); err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}

// i2pName refuses what is not of I2P: nothing else may reach the router's naming.
func i2pName(host string) error {
	long := len(host) >= minBase64 && !strings.Contains(host, ".")
	if len(host) > maxAddress || !long && !(strings.HasSuffix(strings.ToLower(host), ".i2p") && len(host) > len(".i2p")) {
		return refuse(api.ErrInvalid, "%.80q is no .i2p name and no destination: clearnet is reached by DialClearnet only", host)
	}
	return nil
}

func i2pPort(port uint32) (uint16, error) {
	if port > 1<<16-1 {
		return 0, refuse(api.ErrInvalid, "port %d: use 1 to 65535, or 0 for all that have no other listener", port)
	}
	return uint16(port), nil
}

func portSuffix(port uint16) string { return ":" + strconv.Itoa(int(port)) }
