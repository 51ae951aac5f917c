package http

import (
	"context"

	"clove.i2p/proxies"
)

// Book is what address helpers need of the address books. Names are .i2p host names in lower case, never .b32.i2p ones.
// Destinations are whole ones in I2P's base64.
type Book interface {
	// Lookup finds what a name stands for in the user's books, without the network.
	Lookup(name string) (destination string, found bool)
	// Resolve finds the destination of a .b32.i2p name, which asks the network through the tunnels of that isolation. It
	// returns the errors that a Dialer wraps.
	Resolve(ctx context.Context, b32 string, i proxies.Isolation) (destination string, err error)
	// Save adds a name to the user's hosts.txt. Its errors are shown to the user.
	Save(name, destination string) error
}
