//go:build linux

package natlab

import (
	"context"
	"fmt"
	"strings"

	"clove.i2p/router/i2p"
	"clove.i2p/tests/interop"
)

// RouterInfoFile is where the router keeps its RouterInfo, the newest form.
func (c *Clove) RouterInfoFile() string { return c.file("router.info") }

// RouterInfo of the router as it is now.
func (c *Clove) RouterInfo() (*i2p.RouterInfo, error) {
	return interop.ReadRouterInfo(c.RouterInfoFile())
}

// Introducers are the hashes of those that it publishes in its SSU2 address of IPv4, in Base64.
func Introducers(ri *i2p.RouterInfo) []string {
	var all []string
	for _, a := range ri.Addresses() {
		if a.Style != "SSU2" || !a.IsV4() {
			continue
		}
		for _, key := range []string{"ih0", "ih1", "ih2"} {
			if h := a.Options.Get(key); h != "" {
				all = append(all, h)
			}
		}
	}
	return all
}

// Connected describes the SSU2 session with a peer, if there is one.
func (r *I2pd) Connected(ctx context.Context, peer i2p.Hash) (description string, ok bool, err error) {
	all, err := r.Sessions(ctx)
	for _, s := range all {
		if strings.HasPrefix(peer.String(), s.Peer) {
			return fmt.Sprintf("%+v", s), true, nil
		}
	}
	return fmt.Sprintf("not among %d", len(all)), false, err
}

// Connected describes the SSU2 session with a peer, if there is one.
func (c *Clove) Connected(ctx context.Context, peer i2p.Hash) (description string, ok bool, err error) {
	s, err := c.Status(ctx)
	for _, l := range s.Sessions {
		if l.Peer == peer.String() && l.Style == "SSU2" {
			return fmt.Sprintf("%+v", l), true, nil
		}
	}
	return fmt.Sprintf("not among %d", len(s.Sessions)), false, err
}
