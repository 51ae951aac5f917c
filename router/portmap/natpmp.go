package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	gonatpmp "github.com/jackpal/go-nat-pmp"
)

// A natpmp is a gateway that speaks NAT-PMP.
type natpmp struct {
	local, router netip.Addr
	times         timings
}

func newNATPMP(local, router netip.Addr, t timings) *natpmp { return &natpmp{local, router, t} }

func (g *natpmp) protocol() Protocol   { return NATPMP }
func (g *natpmp) addr() netip.AddrPort { return netip.AddrPortFrom(g.router, controlPort) }

// client waits for an answer no longer than ctx or timings.answer: the library takes no context.
func (g *natpmp) client(ctx context.Context) (*gonatpmp.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	wait := g.times.answer
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end))
	}
	return gonatpmp.NewClientWithLocalAndTimeout(g.router.AsSlice(), g.local.AsSlice(), max(wait, time.Millisecond)), nil
}

func (g *natpmp) add(ctx context.Context, p Port, external uint16, lease time.Duration) (m mapping, err error) {
	c, err := g.client(ctx)
	if err != nil {
		return m, err
	}
	ip, err := c.GetExternalAddress()
	if err != nil {
		return m, err
	}
	if c, err = g.client(ctx); err != nil {
		return m, err
	}
	got, err := c.AddPortMapping(strings.ToLower(p.Transport.String()), int(p.Internal), int(external), int(seconds(lease)))
	switch {
	case err != nil:
		return m, err
	case got.InternalPort != p.Internal:
		return m, fmt.Errorf("answer is about port %d", got.InternalPort)
	case got.PortMappingLifetimeInSeconds == 0:
		return m, errors.New("gateway grants no time")
	}
	return mapping{
		external: netip.AddrPortFrom(netip.AddrFrom4(ip.ExternalIPAddress), got.MappedExternalPort),
		lease:    time.Duration(got.PortMappingLifetimeInSeconds) * time.Second,
	}, nil
}

// remove asks for a lease and an external port of zero (RFC 6886, section 3.4).
func (g *natpmp) remove(ctx context.Context, p Port, _ uint16) error {
	c, err := g.client(ctx)
	if err != nil {
		return err
	}
	_, err = c.AddPortMapping(strings.ToLower(p.Transport.String()), int(p.Internal), 0, 0)
	return err
}
