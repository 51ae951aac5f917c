package proxies

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Isolation is comparable. Streams with different values must not be linkable: they never share anything that
// the other side or a tunnel can observe.
type Isolation struct {
	// Listener names the listener that the client connected to.
	Listener string
	// User is empty or a digest of the user name and password that the client gave.
	User string
	// Site is empty or what Site made of the host.
	Site string
	// Shape is that of the tunnels.
	Shape Shape
}

// Shape of the tunnels of a destination, as rules ask for it.
type Shape struct {
	// Length is the number of hops; 0 is the default, -1 means none.
	Length int `json:"length,omitempty"`
	// Quantity is the number of tunnels in each direction; 0 is the default.
	Quantity int `json:"quantity,omitempty"`
}

// Credentials are what a client said about who it is.
type Credentials struct {
	User, Password string
	// Verified tells that the listener has users and this is one of them. Otherwise the credentials isolate and nothing
	// else: everybody can say anything.
	Verified bool
}

// ProvenUser is the name that rules may trust.
func (c Credentials) ProvenUser() string {
	if c.Verified {
		return c.User
	}
	return ""
}

// IsolationPolicy tells what makes the key. The zero value lets everything share one destination.
type IsolationPolicy struct {
	// Listener separates the listeners, User the users and credentials, Site the sites.
	Listener, User, Site bool
}

// DefaultIsolation is by listener and user.
func DefaultIsolation() IsolationPolicy { return IsolationPolicy{Listener: true, User: true} }

// ParseIsolation reads a list of "listener", "user" and "site"; "none" alone is for none of them.
func ParseIsolation(parts []string) (IsolationPolicy, error) {
	var p IsolationPolicy
	for _, part := range parts {
		switch strings.ToLower(part) {
		case "listener":
			p.Listener = true
		case "user":
			p.User = true
		case "site":
			p.Site = true
		case "none":
			if len(parts) == 1 {
				return p, nil
			}
			return p, fmt.Errorf("proxies: isolation: %q goes with nothing else; take it out or leave it alone", part)
		default:
			return p, fmt.Errorf("proxies: isolation: %q is none of listener, user, site, none", part)
		}
	}
	if len(parts) == 0 {
		return p, fmt.Errorf("proxies: isolation: the list is empty; for no isolation at all say none")
	}
	return p, nil
}

// Key is the isolation of a stream to a host, which is a Decision's.
func (p IsolationPolicy) Key(listener string, c Credentials, host string, tunnels Shape) Isolation {
	key := Isolation{Shape: tunnels}
	if p.Listener {
		key.Listener = listener
	}
	if p.User {
		if c.Verified {
			c.Password = "" // which a digest does not tell: one user is one key with any method
		}
		key.User = userKey(c.User, c.Password)
	}
	if p.Site {
		key.Site = Site(host)
	}
	return key
}

// NewIsolation is the key by listener and credentials.
func NewIsolation(listener, user, password string) Isolation {
	return Isolation{Listener: listener, User: userKey(user, password)}
}

// userKey hides user and password behind a digest, so that the key can be kept in maps and dumps.
func userKey(user, password string) string {
	if user == "" && password == "" {
		return ""
	}
	// Both may hold any byte: the length keeps ("a", "bc") and ("ab", "c") apart.
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", len(user), user, password))
	return hex.EncodeToString(sum[:16])
}

// Site is the part of a host that belongs to one owner: all of an .i2p name, as every level has a destination of its own;
// the registrable domain of a clearnet name; a whole address. A destination's name, b32 name and base64 are different
// sites, because what was typed is all that is known before a lookup.
func Site(host string) string {
	switch {
	case strings.HasSuffix(host, suffixI2P):
		return host
	case isDestination(host):
		sum := sha256.Sum256([]byte(strings.TrimRight(host, "=")))
		return hex.EncodeToString(sum[:16])
	case parseAddress(host).IsValid():
		return host
	}
	if site, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return site
	}
	return host
}
