package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// lists asks the address book for the names in the lists. A name that is in none is an error: a list that lacks somebody is
// another list.
func lists(ctx context.Context, t *sdk.Tunnel, s serverSettings) (visitors.Lists, error) {
	allow, err := resolve(ctx, t, s.Allow)
	if err != nil {
		return visitors.Lists{}, fmt.Errorf("access_list: %w", err)
	}
	deny, err := resolve(ctx, t, s.Deny)
	if err != nil {
		return visitors.Lists{}, fmt.Errorf("deny_list: %w", err)
	}
	return visitors.NewLists(allow, deny)
}

func resolve(ctx context.Context, t *sdk.Tunnel, list []string) ([]string, error) {
	var out []string
	for _, e := range list {
		if _, err := visitors.ParsePeer(e); err != nil {
			a, err := t.Lookup(ctx, e)
			if err != nil {
				return nil, err
			}
			e = a.Base32
		}
		out = append(out, e)
	}
	return out, nil
}

// isName tells names of the address book.
func isName(s string) bool {
	return strings.HasSuffix(s, ".i2p") && !strings.HasSuffix(s, ".b32.i2p") && !strings.ContainsAny(s, " :/@")
}

// source is the address that a visitor's connections to a server on loopback come from, if it may have one.
func (v *serverVersion) source(target string, p visitors.Peer) (netip.Addr, bool) {
	host, _, _ := net.SplitHostPort(target)
	a, err := netip.ParseAddr(host)
	switch {
	case !v.UniqueLocal:
		return netip.Addr{}, false
	case host == "localhost", err == nil && a.Unmap().Is4() && a.Unmap().IsLoopback():
		return p.Source(), true
	}
	return sourceV6(p), err == nil && a.IsLoopback()
}

// sourceV6 is an address of fd00::/8 that is always the same for this visitor.
func sourceV6(p visitors.Peer) netip.Addr {
	a := [16]byte{0xfd}
	copy(a[1:], p[:])
	return netip.AddrFrom16(a)
}
