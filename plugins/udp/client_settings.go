package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	"clove.i2p/plugins/sdk"
)

// clientSettings are those of udp-client.
type clientSettings struct {
	Listen      string        `setting:"listen" kind:"listen-address" required:"true" help:"where applications send, host:port"`
	Destination string        `setting:"destination" kind:"i2p-address" required:"true" help:"name.i2p:port or .b32.i2p:port; without a port 0, which is what servers for all ports take"`
	Kind        string        `setting:"kind" choices:"datagram1,datagram2,datagram3,raw" default:"datagram1" help:"what to send: datagram1 is what all servers understand; raw gets answers only from servers that need no sender"`
	Raw         bool          `setting:"raw_answers" default:"true" help:"take raw datagrams from the destination's port as answers, as i2pd sends them; nothing proves who sent them"`
	Idle        time.Duration `setting:"idle_timeout" default:"2m" help:"an application that was quiet for so long is forgotten"`
	Senders     int           `setting:"max_senders" default:"24" help:"applications, that is local UDP ports, at a time, up to 30"`
}

func (s clientSettings) problems() (all []sdk.Problem) {
	problem := func(key, format string, args ...any) {
		all = append(all, sdk.Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		problem("listen", "%.80q is no address: write host:port, such as 127.0.0.1:5353", s.Listen)
	}
	if host, _, err := splitAddress(s.Destination); err != nil || !strings.HasSuffix(host, ".i2p") {
		problem("destination", "%.80q is no address of I2P: write name.i2p:port", s.Destination)
	}
	if s.Idle < leastIdle {
		problem("idle_timeout", "%v is too short: want at least %v", s.Idle, leastIdle)
	}
	if s.Senders < 1 || s.Senders > mostSenders {
		problem("max_senders", "%d: want 1 to %d", s.Senders, mostSenders)
	}
	return all
}
