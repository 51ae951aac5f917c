package streaming

import (
	"errors"
	"fmt"
	"time"
)

// Config are the knobs of a Stack. The zero value is not valid; see DefaultConfig.
type Config struct {
	// MaxWindow bounds the packets in flight of a connection, 1 to 255.
	MaxWindow int
	// MaxConns bounds the connections that others opened to us, MaxConnsPerPeer those of one destination.
	MaxConns        int
	MaxConnsPerPeer int
	// Backlog is how many of them wait for Accept, per Listener.
	Backlog int
	// OpensPerSecond bounds new connections to us, of all destinations and of each; bursts may be ten times that.
	OpensPerSecond        float64
	OpensPerSecondPerPeer float64
	// AnswerPings answers ECHO packets (i2p.streaming.answerPings).
	AnswerPings bool
	// KeepAlive is how long a connection is silent before an acknowledgement is asked for (inactivityTimeout of Java
	// I2P); IdleTimeout, after which it is given up. 0 switches either off.
	KeepAlive   time.Duration
	IdleTimeout time.Duration
	// NewController makes the congestion control of a connection; nil is NewCubic.
	NewController func(limit int) Controller
}

// DefaultConfig is for a destination that serves and connects.
func DefaultConfig() Config {
	return Config{
		MaxWindow:             MaxWindow,
		MaxConns:              4096,
		MaxConnsPerPeer:       512,
		Backlog:               128,
		OpensPerSecond:        500, // 5 % of a core for their signatures
		OpensPerSecondPerPeer: 100, // all users of one proxy look like one destination
		AnswerPings:           true,
		KeepAlive:             90 * time.Second,
		IdleTimeout:           time.Hour,
	}
}

// Validate reports the first value that cannot work.
func (c Config) Validate() error {
	switch {
	case c.MaxWindow < 1 || c.MaxWindow > MaxWindow:
		return fmt.Errorf("streaming: MaxWindow %d is not within 1 to %d", c.MaxWindow, MaxWindow)
	case c.MaxConns < 1 || c.MaxConnsPerPeer < 1 || c.Backlog < 1:
		return errors.New("streaming: MaxConns, MaxConnsPerPeer and Backlog must be at least 1")
	case c.OpensPerSecond <= 0 || c.OpensPerSecondPerPeer <= 0:
		return errors.New("streaming: OpensPerSecond and OpensPerSecondPerPeer must be more than 0")
	case c.KeepAlive < 0 || c.IdleTimeout < 0:
		return errors.New("streaming: KeepAlive and IdleTimeout cannot be negative")
	}
	return nil
}
