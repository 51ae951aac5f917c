package sdk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// Tunnel is what one tunnel can reach. Its methods may be called at the same time. Errors of the host unwrap to the errors of
// package api: api.ErrUnknownHost, ErrOffline, ErrNoAnswer, ErrRefused, ErrNotReady, ErrPermission, ErrInUse, ErrLimit,
// ErrInvalid. All that a tunnel opened is closed when it ends.
type Tunnel struct {
	// Log goes to the host, which shows it under the tunnel's name. It is no place for destinations or host names.
	Log *slog.Logger

	name     string
	program  *Program
	typ      TunnelType
	settings any // that it was started with
	life     *life
	open     *openSet
	metrics  metrics
	health   healthFunc
	reloader reloader
}

// Name is the tunnel's name in the configuration.
func (t *Tunnel) Name() string { return t.name }

// Started tells the host that the tunnel listens. Before it, Run's error is the error of starting the tunnel. Later calls do
// nothing.
func (t *Tunnel) Started() { t.life.start() }

// Draining is closed when the host wants the tunnel to end as soon as its connections have. The listeners end by themselves
// a moment later: Accept returns net.ErrClosed. What a plugin keeps open for no client it should close.
func (t *Tunnel) Draining() <-chan struct{} { return t.life.draining }

// Dial opens a stream from the tunnel's destination. The address is name.i2p:port, name.b32.i2p:port or BASE64:port;
// without a port it is port 0.
func (t *Tunnel) Dial(ctx context.Context, address string) (net.Conn, error) {
	return t.DialIsolated(ctx, address, "")
}

// DialIsolated is Dial, but streams with different isolation leave from different destinations. IsolationOf gives the value
// that belongs to a client of a service.
func (t *Tunnel) DialIsolated(ctx context.Context, address, isolation string) (net.Conn, error) {
	if err := sendable(address + isolation); err != nil {
		return nil, err
	}
	address = withPort(address)
	s, err := t.program.host.Dial(ctx, &pb.DialRequest{
		Tunnel: t.name, Address: address, Isolation: isolation, TimeoutMs: timeLeft(ctx),
	})
	if err != nil {
		return nil, hostError(ctx, err)
	}
	return t.connect(ctx, s.Ticket, connInfo{
		local: Addr{"i2p", t.name + ":0"}, remote: Addr{"i2p", address}, peer: addressOf(s.Peer), hasPeer: true, isolation: isolation,
	})
}

// DialLocal connects to an address that a setting of kind "dial-address" names, written exactly as there, but without
// http://. source is an address of 127.0.0.0/8 or fd00::/8 to come from, or empty.
func (t *Tunnel) DialLocal(ctx context.Context, address, source string) (net.Conn, error) {
	s, err := t.program.host.DialLocal(ctx, &pb.DialLocalRequest{
		Tunnel: t.name, Address: address, Source: source, TimeoutMs: timeLeft(ctx),
	})
	if err != nil {
		return nil, hostError(ctx, err)
	}
	local := unspecified
	if source != "" {
		local = net.JoinHostPort(source, "0")
	}
	return t.connect(ctx, s.Ticket, connInfo{local: Addr{"tcp", local}, remote: Addr{"tcp", or(s.RemoteAddress, address)}})
}

// DialClearnet leaves I2P. The host resolves the name; it refuses addresses that are not public and ports that no setting of
// kind "clearnet-ports" names.
func (t *Tunnel) DialClearnet(ctx context.Context, address string) (net.Conn, error) {
	if err := sendable(address); err != nil {
		return nil, err
	}
	s, err := t.program.host.DialClearnet(ctx, &pb.DialClearnetRequest{
		Tunnel: t.name, Address: address, TimeoutMs: timeLeft(ctx),
	})
	if err != nil {
		return nil, hostError(ctx, err)
	}
	return t.connect(ctx, s.Ticket, connInfo{local: Addr{"tcp", unspecified}, remote: Addr{"tcp", or(s.RemoteAddress, address)}})
}

// Listen takes the streams to a port of the tunnel's destination; 0 is all ports that have no other listener. PeerOf and
// LocalPort tell about what Accept returns.
func (t *Tunnel) Listen(port int) (net.Listener, error) {
	if port < 0 || port > 65535 {
		return nil, fmt.Errorf("port %d: %w", port, api.ErrInvalid)
	}
	ctx, cancel := context.WithTimeout(t.life.ctx, callTime)
	defer cancel()
	l, err := t.program.host.Listen(ctx, &pb.ListenRequest{Tunnel: t.name, Port: uint32(port)})
	if err != nil {
		return nil, hostError(ctx, err)
	}
	return t.listen(l, Addr{"i2p", l.Address})
}

// ListenLocal binds an address that a setting of kind "listen-address" names. Addr of the listener is what was bound.
func (t *Tunnel) ListenLocal(address string) (net.Listener, error) {
	ctx, cancel := context.WithTimeout(t.life.ctx, callTime)
	defer cancel()
	l, err := t.program.host.ListenLocal(ctx, &pb.ListenLocalRequest{Tunnel: t.name, Address: address})
	if err != nil {
		return nil, hostError(ctx, err)
	}
	return t.listen(l, Addr{"tcp", l.Address})
}

// Provide takes the streams that clove's own proxies send to a service of this tunnel, such as "outproxy".
func (t *Tunnel) Provide(service string) (net.Listener, error) {
	ctx, cancel := context.WithTimeout(t.life.ctx, callTime)
	defer cancel()
	l, err := t.program.host.Provide(ctx, &pb.ProvideRequest{Tunnel: t.name, Service: service})
	if err != nil {
		return nil, hostError(ctx, err)
	}
	return t.listen(l, Addr{"service", service})
}

// Lookup asks the host's address books for a name.
func (t *Tunnel) Lookup(ctx context.Context, name string) (Address, error) {
	if err := sendable(name); err != nil {
		return Address{}, err
	}
	a, err := t.program.host.Lookup(ctx, &pb.LookupRequest{Tunnel: t.name, Name: name})
	if err != nil {
		return Address{}, hostError(ctx, err)
	}
	return addressOf(a), nil
}

// Stat is the state of the tunnel's destination.
type Stat struct {
	Address   Address // zero if the tunnel has none
	Ready     bool    // has I2P tunnels
	Published bool
	Streams   int
}

// Stat asks for the state of the tunnel's destination.
func (t *Tunnel) Stat(ctx context.Context) (Stat, error) {
	s, err := t.program.host.Stat(ctx, &pb.StatRequest{Tunnel: t.name})
	if err != nil {
		return Stat{}, hostError(ctx, err)
	}
	return Stat{addressOf(s.Address), s.Ready, s.Published, int(s.Streams)}, nil
}

// Folder is a folder that a setting of kind "folder" names. Its files can seek, as http.FS wants it.
func (t *Tunnel) Folder(root string) fs.FS { return &folder{t, root} }

// hostError is the error of a call. One that ended with ctx is ctx's error too.
func hostError(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", api.ErrNoAnswer, ctx.Err())
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return api.FromStatus(err)
}

// withPort adds port 0 where there is none.
func withPort(address string) string {
	if address == "" || strings.ContainsRune(address, ':') {
		return address
	}
	return address + ":0"
}

// sendable: names come from clients, and gRPC carries only UTF-8.
func sendable(name string) error {
	if !utf8.ValidString(name) {
		return fmt.Errorf("a name that is not UTF-8: %w", api.ErrInvalid)
	}
	return nil
}

// unspecified stands where an address is not known.
const unspecified = "0.0.0.0:0"

// timeLeft is in ms, 0 without a deadline.
func timeLeft(ctx context.Context) int64 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(1, time.Until(deadline).Milliseconds())
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
