//go:build !linux && !windows && !darwin && !freebsd

package udp

import "net"

// dontFragment reports that this system is not known to have the option.
func dontFragment(*net.UDPConn, string) bool { return false }
