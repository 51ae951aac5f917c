package http

import (
	"errors"
	"fmt"
	"time"

	"clove.i2p/proxies"
)

// How users say who they are.
const (
	AuthBasic  = "basic"
	AuthDigest = "digest"
)

// Config holds the settings of one listener.
type Config struct {
	// Name is the listener's part of the isolation key, and what rules call it.
	Name string
	// Users, if there are any, have to authenticate. Otherwise Basic credentials only isolate. A UsersFile without HA1 lines
	// has nothing for Digest.
	Users proxies.Accounts
	// Auth is AuthBasic or AuthDigest; empty is AuthBasic.
	Auth string
	// Policy decides where requests go; nil lets all of I2P through and nothing else.
	Policy *proxies.Policy
	// Isolation tells what makes the key.
	Isolation proxies.IsolationPolicy
	// Book is for address helpers (?i2paddresshelper=) and tells which jump services can be reached. Without it address helpers
	// are left in the addresses that carry them.
	Book Book
	// Jump is offered for names that are in no address book.
	Jump []JumpService
	// Gzip offers x-i2p-gzip to servers in I2P.
	Gzip bool
	// HeaderTimeout is for a request's line and headers.
	HeaderTimeout time.Duration
	// ReadyWait is how long a request waits for the router to be ready, DialTimeout how long a dial may take.
	ReadyWait   time.Duration
	DialTimeout time.Duration
	// Idle ends a request that moves nothing. TunnelIdle does so for CONNECT and websockets, and Linger for those
	// of them in which one direction has ended.
	Idle       time.Duration
	TunnelIdle time.Duration
	Linger     time.Duration
	// MaxConnections at one time.
	MaxConnections int
}

// DefaultConfig is complete but for Users, Policy and Book.
func DefaultConfig() Config {
	return Config{
		Name:           "http",
		Isolation:      proxies.DefaultIsolation(),
		Jump:           DefaultJump(),
		Gzip:           true,
		HeaderTimeout:  headerTime,
		ReadyWait:      defaultReadyWait,
		DialTimeout:    proxies.DefaultDialTimeout,
		Idle:           defaultIdle,
		TunnelIdle:     proxies.DefaultTunnelIdle,
		Linger:         proxies.DefaultLinger,
		MaxConnections: proxies.DefaultMaxConnections,
	}
}

// Validate names the first wrong setting.
func (c Config) Validate() error {
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"header_timeout", c.HeaderTimeout},
		{"dial_timeout", c.DialTimeout},
		{"idle", c.Idle},
		{"tunnel_idle", c.TunnelIdle},
		{"linger", c.Linger},
	} {
		if d.value <= 0 {
			return fmt.Errorf("http: %s must be positive", d.key)
		}
	}
	if c.ReadyWait < 0 {
		return errors.New("http: ready_wait must not be negative")
	}
	if c.MaxConnections <= 0 {
		return errors.New("http: max_connections must be positive")
	}
	switch c.Auth {
	case "", AuthBasic:
	case AuthDigest:
		if c.Users != nil && c.Users.Required() && len(c.Users.Algorithms()) == 0 {
			return errors.New("http: auth: digest needs lines of the form user:realm:HA1 in the users file; add them with " +
				`htdigest, or set auth = "basic"`)
		}
	default:
		return fmt.Errorf("http: auth is %q, want basic or digest", c.Auth)
	}
	for _, j := range c.Jump {
		if _, err := ParseJump(j.URL); err != nil {
			return err
		}
	}
	return nil
}
