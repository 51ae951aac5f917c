package proxies

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
)

// SelfHost is the name under which the HTTP proxy serves its own pages. It is never dialed.
const SelfHost = "proxy.i2p"

// Target is where a stream goes.
type Target struct {
	// Host is the result of ParseHost: a lower-case .i2p name, a .b32.i2p name or a destination in base64.
	Host string
	// Port is 1..65535.
	Port int
	// Isolation groups the streams that may share a client destination and its tunnels.
	Isolation Isolation
}

// Isolation is comparable. Streams with different values must not be linkable: they never share anything that
// the other side or a tunnel can observe.
type Isolation struct {
	// Listener names the listener that the client connected to.
	Listener string
	// User is empty or a digest of the user name and password that the client gave.
	User string
}

// NewIsolation hides user and password behind a digest, so that the key can be kept in maps and dumps.
func NewIsolation(listener, user, password string) Isolation {
	if user == "" && password == "" {
		return Isolation{Listener: listener}
	}
	// Both may hold any byte: the length keeps ("a", "bc") and ("ab", "c") apart.
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", len(user), user, password))
	return Isolation{Listener: listener, User: hex.EncodeToString(sum[:16])}
}

// Dialer opens streams. It returns when ctx ends, and wraps the errors of this package: ErrUnknownHost,
// ErrNoLeaseSet, ErrNoAnswer, ErrNotReady, ErrRefused.
//
// The connection has to have CloseWrite, and Base32 (see Addressed) for the HTTP proxy.
type Dialer interface {
	Dial(ctx context.Context, t Target) (net.Conn, error)
}

// Addressed is a connection that knows the .b32.i2p name of the destination at its other end. The HTTP proxy
// sends that name as Host, so that no server learns how its users call it in their address books. Without it only
// targets that are b32 names already can be reached by plain HTTP.
type Addressed interface {
	Base32() string
}

// CanonicalHost gives the .b32.i2p name to tell the server, and ErrNoAddress if there is none.
func CanonicalHost(conn net.Conn, t Target) (string, error) {
	name := t.Host
	if a, ok := conn.(Addressed); ok {
		name = a.Base32()
	}
	if host, err := ParseHost(name); err == nil && IsBase32(host) {
		return host, nil
	}
	return "", ErrNoAddress
}

// Readiness tells whether streams can be opened yet.
type Readiness interface {
	// Ready returns true, or false and a short text on how far the start has come, for people to read.
	Ready() (ready bool, progress string)
}
