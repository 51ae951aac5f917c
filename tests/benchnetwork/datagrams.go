//go:build linux

package main

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
)

// datagrams are those of UDP in the namespace, since its start.
type datagrams struct {
	sent uint64
	lost uint64 // no room
}

// udpCounts reads /proc/net/snmp: a line of names for each protocol, and one of numbers.
func udpCounts() (d datagrams, err error) {
	b, err := os.ReadFile("/proc/self/net/snmp")
	if err != nil {
		return d, err
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
		}{{"OutDatagrams", &d.sent}, {"RcvbufErrors", &d.lost}, {"SndbufErrors", &d.lost}} {
			i := slices.Index(names, c.name)
			if i < 0 || i >= len(f) {
				break
			}
			n, err := strconv.ParseUint(f[i], 10, 64)
			if err != nil {
				return d, err
			}
			*c.to += n
		}
		return d, nil
	}
	return d, errors.New("/proc/net/snmp has no UDP")
}
