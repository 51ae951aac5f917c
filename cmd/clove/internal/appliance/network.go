package appliance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/router"
	"clove.i2p/router/client"
	"clove.i2p/router/datagram"
	"clove.i2p/router/naming"
	"clove.i2p/router/netdb"
	"clove.i2p/router/streaming"
)

// network is the router as tunnel plugins see it.
type network struct {
	router  *router.Router
	tunnels router.Tunnels // what a tunnel gets that says nothing else
}

// Open makes a destination for a tunnel.
func (n network) Open(_ context.Context, spec gate.Spec) (gate.Destination, error) {
	tunnels := n.tunnels
	if spec.Length != 0 {
		tunnels.Length = spec.Length
	}
	if spec.Quantity != 0 {
		tunnels.Quantity = spec.Quantity
	}
	d, err := n.router.Open(router.DestinationConfig{KeyFile: spec.KeyFile, Tunnels: tunnels, Unpublished: !spec.Published})
	switch {
	case errors.Is(err, router.ErrInUse):
		return nil, fmt.Errorf("%w: another tunnel has the keys %s", api.ErrInUse, spec.KeyFile)
	case errors.Is(err, router.ErrNotRunning):
		return nil, fmt.Errorf("%w: %w", api.ErrNotReady, err)
	case err != nil:
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	out := &destination{Destination: d, stopWatch: cancel, watched: make(chan struct{})}
	go out.watch(ctx, spec.Published)
	return out, nil
}

// Lookup asks the address book.
func (n network) Lookup(_ context.Context, name string) (gate.Address, error) {
	d, err := n.router.LookupName(name)
	if err == nil {
		return gate.Address{Base32: d.Base32(), Base64: d.Base64()}, nil
	}
	if strings.HasSuffix(name, ".b32.i2p") && !errors.Is(err, naming.ErrInvalidHost) && !errors.Is(err, naming.ErrBlinded) {
		return gate.Address{Base32: name}, nil // whether it exists shows when it is dialed
	}
	return gate.Address{}, fmt.Errorf("%w: %w", api.ErrUnknownHost, err)
}

// A destination of a tunnel.
type destination struct {
	*router.Destination
	published atomic.Bool
	stopWatch context.CancelFunc
	watched   chan struct{}
}

// watch waits until a floodfill has confirmed the LeaseSet.
func (d *destination) watch(ctx context.Context, published bool) {
	defer close(d.watched)
	d.published.Store(published && d.Reachable(ctx) == nil)
}

// Close ends the destination and its watch.
func (d *destination) Close() error {
	d.stopWatch()
	<-d.watched
	return d.Destination.Close()
}

// Address of the destination.
func (d *destination) Address() gate.Address {
	return gate.Address{Base32: d.Base32(), Base64: d.Destination.Destination().Base64()}
}

// Status is a snapshot.
func (d *destination) Status() gate.Status {
	s := d.Destination.Status()
	return gate.Status{Ready: s.Ready, Published: d.published.Load(), Streams: s.Streams}
}

// Dial opens a stream.
func (d *destination) Dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := d.Destination.Dial(ctx, "i2p", address)
	if err != nil {
		return nil, asAPI(err)
	}
	return known(conn), nil
}

// Listen takes the streams to a port.
func (d *destination) Listen(port uint16) (net.Listener, error) {
	l, err := d.Destination.Listen(port)
	if err != nil {
		return nil, asAPI(err)
	}
	return listener{l}, nil
}

// A listener's connections know who is at the other end.
type listener struct{ net.Listener }

// Accept waits for a stream.
func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return known(conn), nil
}

func known(conn net.Conn) net.Conn {
	if s, ok := conn.(*streaming.Conn); ok {
		return peerConn{s}
	}
	return conn
}

type peerConn struct{ *streaming.Conn }

// PeerBase64 is the whole destination at the other end.
func (c peerConn) PeerBase64() string { return c.RemoteDestination().Base64() }

// asAPI translates the router's errors into those of the plugin contract.
func asAPI(err error) error {
	for _, t := range []struct{ is, as error }{
		{naming.ErrUnknownHost, api.ErrUnknownHost}, {client.ErrNotReady, api.ErrNotReady}, {netdb.ErrNotReady, api.ErrNotReady},
		{client.ErrNoLeaseSet, api.ErrOffline}, {netdb.ErrNotFound, api.ErrOffline}, {streaming.ErrRefused, api.ErrRefused},
		{streaming.ErrReset, api.ErrRefused}, {datagram.ErrInUse, api.ErrInUse}, {datagram.ErrTooMany, api.ErrLimit},
		{datagram.ErrTooLarge, api.ErrLimit}, {datagram.ErrNoAddress, api.ErrInvalid},
	} {
		if errors.Is(err, t.is) {
			return fmt.Errorf("%w: %w", t.as, err)
		}
	}
	if isTimeout(err) {
		return fmt.Errorf("%w: %w", api.ErrNoAnswer, err)
	}
	return err
}

var _ gate.Network = network{}
