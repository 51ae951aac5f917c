//go:build linux

package natlab

import (
	"context"
	"fmt"
	"html"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// I2pdStatus is what i2pd's console says of the router.
type I2pdStatus struct {
	Network string // "OK", "Testing", "Firewalled", "Unknown", and perhaps " - Symmetric NAT" or " - Full cone NAT"
	Caps    string
	Address []string // SSU2: host and port, or "supported"
}

// An I2pdSession is one of SSU2.
type I2pdSession struct {
	Peer           string // first four characters of the hash
	Remote         netip.AddrPort
	Outgoing       bool
	Sent, Received int
	RelayTag       uint32
}

var (
	consoleStatus  = regexp.MustCompile(`<b>Network status:</b>\s*([^<\r\n]*)`)
	consoleCaps    = regexp.MustCompile(`<b>Router Caps:</b>\s*([^<\r\n]*)`)
	consoleAddress = regexp.MustCompile(`(?s)<td>SSU2[^<]*</td>\s*<td>([^<]*)</td>`)
	// As in " ⇒ Bvh9: 198.18.1.1:9200 [1234:567] [itag:89]", where the arrow is behind the address of those that came in.
	consoleSession = regexp.MustCompile(`(⇒ )?([0-9A-Za-z~-]{4}): ([0-9.]+:\d+)\s+(?:⇒ )?\s*\[(\d+):(\d+)\](?: \[itag:(\d+)\])?`)
)

// Status reads the first page.
func (r *I2pd) Status(ctx context.Context) (s I2pdStatus, err error) {
	page, err := r.Console(ctx, "")
	if err != nil {
		return s, err
	}
	network, caps := consoleStatus.FindStringSubmatch(page), consoleCaps.FindStringSubmatch(page)
	if network == nil || caps == nil {
		return s, fmt.Errorf("natlab: console of %s: no network status", r.Host.Name)
	}
	s.Network, s.Caps = strings.TrimSpace(network[1]), strings.TrimSpace(caps[1])
	for _, a := range consoleAddress.FindAllStringSubmatch(page, -1) {
		s.Address = append(s.Address, a[1])
	}
	return s, nil
}

// Sessions reads the list of SSU2 sessions of IPv4.
func (r *I2pd) Sessions(ctx context.Context) ([]I2pdSession, error) {
	page, err := r.Console(ctx, "transports")
	if err != nil {
		return nil, err
	}
	return parseSessions(page)
}

func parseSessions(page string) ([]I2pdSession, error) {
	_, page, found := strings.Cut(page, "<b>SSU2</b>")
	if !found {
		return nil, nil
	}
	page, _, _ = strings.Cut(page, "<b>SSU2v6</b>")
	var all []I2pdSession
	for _, m := range consoleSession.FindAllStringSubmatch(html.UnescapeString(page), -1) {
		remote, err := netip.ParseAddrPort(m[3])
		if err != nil {
			return nil, fmt.Errorf("natlab: console: %w", err)
		}
		sent, err1 := strconv.Atoi(m[4])
		received, err2 := strconv.Atoi(m[5])
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("natlab: console: session %q", m[0])
		}
		tag, _ := strconv.ParseUint(m[6], 10, 32) // or none
		all = append(all, I2pdSession{m[2], remote, m[1] != "", sent, received, uint32(tag)})
	}
	return all, nil
}
