//go:build linux

package interop

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// I2pdTunnel is one of i2pd's own, as its console shows it.
type I2pdTunnel struct {
	Inbound bool
	Hops    []string // the first four characters of the hashes, in the order that messages pass them
	Bytes   int      // in steps of 1 KiB
}

// An item of the list is a path, such as "1175232503:me &#8658; PzfS &#8658; k0uh &#8658; ( 12ms )", and a span with the
// state, after which comes the size.
var (
	consoleItem = regexp.MustCompile(`(?s)<div class="listitem">(.*?)<span.*?</span>,\s*(\d+)&nbsp;KiB`)
	consoleHop  = regexp.MustCompile(`&#8658; ([0-9A-Za-z~-]{4}) `)
)

// Tunnels reads the list of tunnels of the console.
func (r *I2pd) Tunnels(ctx context.Context) ([]I2pdTunnel, error) {
	page, err := r.Console(ctx, "tunnels")
	if err != nil {
		return nil, err
	}
	in, out, ok := strings.Cut(page, "Outbound tunnels:")
	if !ok {
		return nil, fmt.Errorf("interop: console of %s: no list of tunnels", r.Name)
	}
	var all []I2pdTunnel
	for i, list := range []string{in, out} {
		for _, item := range consoleItem.FindAllStringSubmatch(list, -1) {
			kib, err := strconv.Atoi(item[2])
			if err != nil {
				return nil, fmt.Errorf("interop: console of %s: %w", r.Name, err)
			}
			t := I2pdTunnel{Inbound: i == 0, Bytes: kib << 10}
			for _, hop := range consoleHop.FindAllStringSubmatch(item[1], -1) {
				t.Hops = append(t.Hops, hop[1])
			}
			all = append(all, t)
		}
	}
	return all, nil
}
