package appliance

import (
	"context"
	"fmt"

	"clove.i2p/proxies"
	httpproxy "clove.i2p/proxies/http"
)

// book is the address book as the HTTP proxy sees it.
type book struct{ appliance *Appliance }

// Lookup asks the books on this machine.
func (b book) Lookup(name string) (string, bool) {
	d, err := b.appliance.router.LookupName(name)
	if err != nil {
		return "", false
	}
	return d.Base64(), true
}

// Resolve finds the destination of a .b32.i2p name through the tunnels of an isolation key.
func (b book) Resolve(ctx context.Context, b32 string, i proxies.Isolation) (string, error) {
	h, err := b.appliance.destinations.take(i)
	if err != nil {
		return "", err
	}
	defer b.appliance.destinations.put(h)
	d, err := h.destination.Resolve(ctx, b32)
	if err != nil {
		return "", translate(err)
	}
	return d.Base64(), nil
}

// Save adds a name to hosts.txt.
func (b book) Save(name, destination string) error {
	if err := b.appliance.router.AddName(name, destination); err != nil {
		return fmt.Errorf("appliance: %w", err)
	}
	return nil
}

var (
	_ httpproxy.Book = book{}
)
