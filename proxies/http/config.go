package http

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"clove.i2p/proxies"
)

// Config holds the settings of one listener.
type Config struct {
	// Name is the listener's part of the isolation key.
	Name string
	// Users, if there are any, have to authenticate (Basic). Otherwise credentials only isolate.
	Users proxies.Users
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

// DefaultConfig is complete.
func DefaultConfig() Config {
	return Config{
		Name:           "http",
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
	for user, password := range c.Users {
		if user == "" || password == "" || strings.Contains(user, ":") {
			return errors.New("http: users: names and passwords must not be empty, names have no colon")
		}
	}
	return nil
}
