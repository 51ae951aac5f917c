package socks

import (
	"errors"
	"fmt"
	"time"

	"clove.i2p/proxies"
)

// Config holds the settings of one listener.
type Config struct {
	// Name is the listener's part of the isolation key.
	Name string
	// Users, if there are any, have to be given by clients; SOCKS 4 has no passwords and is refused then. Otherwise
	// whatever credentials a client gives isolate.
	Users proxies.Accounts
	// Policy decides where requests go; nil lets all of I2P through and nothing else.
	Policy *proxies.Policy
	// Isolation tells what makes the key.
	Isolation proxies.IsolationPolicy
	// Packets is for UDP ASSOCIATE, which is refused without it.
	Packets proxies.PacketDialer
	// PacketIdle ends an association that moves nothing; MaxAssociations is the most for one client address.
	PacketIdle      time.Duration
	MaxAssociations int
	// HandshakeTimeout is for everything from accept to the end of the request.
	HandshakeTimeout time.Duration
	// ReadyWait is how long a request waits for the router to be ready, DialTimeout how long a dial may take.
	ReadyWait   time.Duration
	DialTimeout time.Duration
	// Idle ends tunnels that move nothing, Linger those that move nothing after one direction has ended.
	Idle   time.Duration
	Linger time.Duration
	// MaxConnections at one time.
	MaxConnections int
}

// DefaultConfig is complete.
func DefaultConfig() Config {
	return Config{
		Name:             "socks",
		Isolation:        proxies.DefaultIsolation(),
		HandshakeTimeout: defaultHandshake,
		ReadyWait:        defaultReadyWait,
		DialTimeout:      proxies.DefaultDialTimeout,
		Idle:             proxies.DefaultTunnelIdle,
		Linger:           proxies.DefaultLinger,
		MaxConnections:   proxies.DefaultMaxConnections,
		PacketIdle:       defaultPacketIdle,
		MaxAssociations:  defaultAssociations,
	}
}

// Validate names the first wrong setting.
func (c Config) Validate() error {
	switch {
	case c.HandshakeTimeout <= 0:
		return positive("handshake_timeout")
	case c.ReadyWait < 0:
		return fmt.Errorf("socks: ready_wait must not be negative")
	case c.DialTimeout <= 0:
		return positive("dial_timeout")
	case c.Idle <= 0:
		return positive("idle")
	case c.Linger <= 0:
		return positive("linger")
	case c.MaxConnections <= 0:
		return positive("max_connections")
	case c.PacketIdle <= 0:
		return positive("packet_idle")
	case c.MaxAssociations <= 0:
		return positive("max_associations")
	}
	users, _ := c.Users.(proxies.Users)
	for user, password := range users {
		if user == "" || password == "" || len(user) > maxField || len(password) > maxField {
			return errors.New("socks: users: names and passwords have 1 to 255 bytes")
		}
	}
	return nil
}

func positive(key string) error { return fmt.Errorf("socks: %s must be positive", key) }
