//go:build linux

package netns

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Datagrams are those of UDP in our network, since its start.
type Datagrams struct {
	Sent uint64 // a train that the kernel got as one is one
	Lost uint64 // for want of room in the kernel's buffers
}

// UDP reads /proc/net/snmp: a line of names for each protocol, and one of numbers.
func UDP() (d Datagrams, err error) {
	b, err := os.ReadFile("/proc/self/net/snmp")
	if err != nil {
		return d, fmt.Errorf("netns: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "Udp:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for _, c := range []struct {
			name string
			to   *uint64
		}{{"OutDatagrams", &d.Sent}, {"RcvbufErrors", &d.Lost}, {"SndbufErrors", &d.Lost}} {
			i := slices.Index(names, c.name)
			if i < 0 || i >= len(f) {
				break
			}
			n, err := strconv.ParseUint(f[i], 10, 64)
			if err != nil {
				return d, fmt.Errorf("netns: %w", err)
			}
			*c.to += n
		}
		return d, nil
	}
	return d, errors.New("netns: /proc/net/snmp has no UDP")
}
