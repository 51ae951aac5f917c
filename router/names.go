package router

import (
	"context"
	"fmt"

	"clove.i2p/router/i2p"
	"clove.i2p/router/naming"
)

// LookupName finds a host name in the address book. It asks nobody: a .b32.i2p name is found only by a destination that dials,
// or with Destination.Resolve. Errors unwrap to naming.ErrUnknownHost.
func (r *Router) LookupName(host string) (*i2p.Destination, error) {
	name, err := naming.Normalize(host)
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	d, ok := r.hosts.Destination(name)
	if !ok {
		return nil, fmt.Errorf("router: %w", naming.ErrUnknownHost)
	}
	return d, nil
}

// AddName saves a name in the address book (hosts.txt): a destination in Base64. See addressbook.Book.Add for what it refuses.
func (r *Router) AddName(name, destination string) error {
	d, err := i2p.ParseDestinationBase64(destination)
	if err != nil {
		return fmt.Errorf("router: add a name: %w", err)
	}
	if err := r.hosts.Add(name, d); err != nil {
		return fmt.Errorf("router: add a name: %w", err)
	}
	return nil
}

// Resolve finds the destination of an .i2p host as in Dial. A .b32.i2p name is looked up through the tunnels of d.
func (d *Destination) Resolve(ctx context.Context, host string) (*i2p.Destination, error) {
	to, err := d.names.Resolve(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("router: resolve: %w", err)
	}
	return to, nil
}
