package appliance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"clove.i2p/proxies"
	"clove.i2p/router"
	"clove.i2p/router/client"
	"clove.i2p/router/naming"
	"clove.i2p/router/netdb"
	"clove.i2p/router/streaming"
)

// A dialer opens the streams of one proxy from one destination, and translates the router's errors to the proxies'.
type dialer struct{ destination *router.Destination }

// Dial opens a stream to the target.
func (d dialer) Dial(ctx context.Context, t proxies.Target) (net.Conn, error) {
	conn, err := d.destination.Dial(ctx, "i2p", net.JoinHostPort(t.Host, strconv.Itoa(t.Port)))
	if err != nil {
		return nil, translate(err)
	}
	s, ok := conn.(*streaming.Conn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("appliance: connection is a %T", conn)
	}
	return stream{s}, nil
}

// Ready reports whether the destination has tunnels.
func (d dialer) Ready() (bool, string) {
	s := d.destination.Status()
	if s.Ready {
		return true, ""
	}
	return false, fmt.Sprintf("%d tunnels so far, one in each direction is needed", len(s.Tunnels))
}

func translate(err error) error {
	switch {
	case errors.Is(err, naming.ErrUnknownHost):
		return fmt.Errorf("%w: %w", proxies.ErrUnknownHost, err)
	case errors.Is(err, client.ErrNotReady), errors.Is(err, netdb.ErrNotReady):
		return fmt.Errorf("%w: %w", proxies.ErrNotReady, err)
	case errors.Is(err, client.ErrNoLeaseSet), errors.Is(err, netdb.ErrNotFound):
		return fmt.Errorf("%w: %w", proxies.ErrNoLeaseSet, err)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), isTimeout(err),
		errors.Is(err, streaming.ErrRefused), errors.Is(err, streaming.ErrReset):
		return fmt.Errorf("%w: %w", proxies.ErrNoAnswer, err)
	}
	return err
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// A stream knows the name that its server goes by.
type stream struct{ *streaming.Conn }

// Base32 is the .b32.i2p name of the far destination.
func (s stream) Base32() string { return s.RemoteDestination().Base32() }

var (
	_ proxies.Dialer    = dialer{}
	_ proxies.Readiness = dialer{}
	_ proxies.Addressed = stream{}
)
