package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"clove.i2p/plugins/sdk"
)

// clientSettings are those of tcp-client.
type clientSettings struct {
	Listen       string        `setting:"listen" kind:"listen-address" required:"true" help:"where applications connect, such as 127.0.0.1:7670; port 0: any"`
	Destinations []string      `setting:"destination" kind:"i2p-address" required:"true" help:"where it leads: name.i2p or name.i2p:port; of several, the next is tried where one does not answer"`
	Order        string        `setting:"order" choices:"failover,random" default:"failover" help:"begin with the first, or with any of them; one that failed comes last for 5 minutes"`
	Connect      time.Duration `setting:"connect_timeout" default:"60s" help:"how long one destination may take to answer"`
	Idle         time.Duration `setting:"idle_timeout" default:"24h" help:"a connection that moves nothing for so long is closed"`
}

func (s clientSettings) problems() []sdk.Problem {
	var all []sdk.Problem
	for i, d := range s.Destinations {
		if _, err := withPort(d); err != nil {
			all = append(all, sdk.Problem{Key: "destination", Text: fmt.Sprintf("entry %d: %v", i+1, err)})
		}
	}
	return append(all, durations(map[string]time.Duration{"connect_timeout": s.Connect, "idle_timeout": s.Idle})...)
}

func durations(all map[string]time.Duration) (problems []sdk.Problem) {
	for key, d := range all {
		if d < time.Second {
			problems = append(problems, sdk.Problem{Key: key, Text: `must be "1s" or more`})
		}
	}
	return problems
}

// withPort completes name.i2p to name.i2p:0: a stream without a port, which every server takes that has one port only.
func withPort(destination string) (string, error) {
	name, port, ok := strings.Cut(destination, ":")
	if !ok {
		port = "0"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || name == "" || strings.ContainsAny(name, " /@") {
		return "", fmt.Errorf("%.80q is no destination: write name.i2p or name.i2p:port", destination)
	}
	return name + ":" + port, nil
}
