package naming

import (
	"context"
	"fmt"
	"strings"

	"clove.i2p/router/i2p"
)

// LeaseSets looks LeaseSets up in the network; they are verified.
type LeaseSets interface {
	Lookup(ctx context.Context, destination i2p.Hash) (i2p.LeaseSet, error)
}

// Book knows names; they are as Normalize spells them.
type Book interface {
	Destination(name string) (*i2p.Destination, bool)
}

// A Resolver finds the destinations of hosts. It is safe for concurrent use if its Book and LeaseSets are.
type Resolver struct {
	book      Book
	leaseSets LeaseSets
}

// New returns a resolver for one client: the lookups of leaseSets go through the tunnels of that client.
func New(book Book, leaseSets LeaseSets) *Resolver {
	return &Resolver{book: book, leaseSets: leaseSets}
}

// Resolve finds the destination of a host. Only a .b32.i2p host waits for the network; errors of that lookup are
// wrapped as they are, all others are ErrUnknownHost.
func (r *Resolver) Resolve(ctx context.Context, host string) (*i2p.Destination, error) {
	hash, d, err := r.local(host)
	if err != nil || d != nil {
		return d, err
	}
	ls, err := r.leaseSets.Lookup(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("naming: look up %s: %w", hash.Short(), err)
	}
	if ls.Hash() != hash {
		return nil, fmt.Errorf("naming: look up %s: %w: LeaseSet of another destination", hash.Short(), ErrUnknownHost)
	}
	return ls.Destination(), nil
}

// ResolveHash finds the hash of a host, which never needs the network. Errors are ErrUnknownHost.
func (r *Resolver) ResolveHash(host string) (i2p.Hash, error) {
	hash, d, err := r.local(host)
	if d != nil {
		hash = d.Hash()
	}
	return hash, err
}

// local finds the hash or the destination.
func (r *Resolver) local(host string) (i2p.Hash, *i2p.Destination, error) {
	if len(host) >= minBase64Len {
		d, err := i2p.ParseDestinationBase64(strings.TrimSuffix(host, suffix))
		if err != nil {
			return i2p.Hash{}, nil, fmt.Errorf("naming: %w: %w", ErrInvalidHost, err)
		}
		return i2p.Hash{}, d, nil
	}
	name, err := Normalize(host)
	if err != nil {
		return i2p.Hash{}, nil, err
	}
	if label, ok := strings.CutSuffix(name, base32Suffix); ok {
		hash, err := parseBase32(label)
		return hash, nil, err
	}
	if d, ok := r.book.Destination(name); ok {
		return i2p.Hash{}, d, nil
	}
	return i2p.Hash{}, nil, fmt.Errorf("naming: %w: %s is not in the address book", ErrUnknownHost, name)
}

func parseBase32(label string) (i2p.Hash, error) {
	b, err := i2p.DecodeBase32(label)
	switch {
	case err != nil:
		return i2p.Hash{}, fmt.Errorf("naming: %w: %w", ErrInvalidHost, err)
	case len(label) >= blindedLabelLen:
		return i2p.Hash{}, fmt.Errorf("naming: %w", ErrBlinded)
	case len(label) != hashLabelLen:
		return i2p.Hash{}, fmt.Errorf("naming: %w: %d characters before .b32.i2p, want %d", ErrInvalidHost, len(label), hashLabelLen)
	}
	return i2p.Hash(b), nil
}
