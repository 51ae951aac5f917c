package main

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"clove.i2p/plugins/sdk"
)

// clientSettings are those of irc-client.
type clientSettings struct {
	Listen       string        `setting:"listen" kind:"listen-address" default:"127.0.0.1:6668" help:"where IRC clients connect, without TLS"`
	Destinations []string      `setting:"destination" kind:"i2p-address" required:"true" help:"servers of one IRC network: name.i2p or name.i2p:port; without a port 6667"`
	Order        string        `setting:"order" choices:"random,failover" default:"random" help:"begin with any of them, or with the first; one that failed comes last for 5 minutes"`
	Connect      time.Duration `setting:"connect_timeout" default:"60s" help:"how long one server may take to answer"`
	Silence      time.Duration `setting:"read_timeout" default:"5m" help:"a connection on which one side says nothing for so long is closed"`
	User         string        `setting:"username" help:"the user name that servers get instead of the client's"`
	RealName     string        `setting:"realname" help:"the real name that servers get instead of the client's"`
	DCC          bool          `setting:"dcc" default:"false" publish:"true" help:"direct chats and transfers, over I2P; publishes the tunnel's destination"`
	DCCListen    []string      `setting:"dcc_listen" kind:"listen-address" default:"127.0.0.2:0,127.0.0.3:0,127.0.0.4:0,127.0.0.5:0" help:"where the IRC client connects to take what peers offer; each address serves one offer at a time"`
	DCCClient    []string      `setting:"dcc_client" kind:"dial-address" help:"where the IRC client listens when it offers: its DCC ports, such as 127.0.0.1:50000"`
}

const defaultPort = "6667"

func (s clientSettings) problems() []sdk.Problem {
	var all []sdk.Problem
	problem := func(key, format string, args ...any) {
		all = append(all, sdk.Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
	for i, d := range s.Destinations {
		if _, err := withPort(d); err != nil {
			problem("destination", "entry %d: %v", i+1, err)
		}
	}
	if s.Connect <= 0 {
		problem("connect_timeout", "must be longer than 0s")
	}
	if s.Silence < time.Minute {
		problem("read_timeout", "must be 1m or more: IRC is quiet between pings")
	}
	if strings.ContainsAny(s.User, " :@!\r\n\x00") {
		problem("username", "must be one word without : @ and !")
	}
	if strings.ContainsAny(s.RealName, "\r\n\x00\x01") || len(s.RealName) > 100 {
		problem("realname", "must be one line of at most 100 bytes")
	}
	for _, a := range s.DCCListen {
		if host, _, err := net.SplitHostPort(a); err != nil || !oneAddress(host) {
			problem("dcc_listen", "%q: write the IP address that the IRC client can reach, and a port or 0", a)
		}
	}
	seen := make(map[uint16]bool)
	for _, a := range s.DCCClient {
		port, err := portOf(a)
		switch {
		case err != nil || port == 0:
			problem("dcc_client", "%q: write an address and a port, such as 127.0.0.1:50000", a)
		case seen[port]:
			problem("dcc_client", "port %d is there twice: offers are told apart by the port", port)
		}
		seen[port] = true
	}
	if s.DCC && len(s.DCCListen) == 0 && len(s.DCCClient) == 0 {
		problem("dcc", "needs dcc_listen to take what others offer, or dcc_client to offer")
	}
	return all
}

func oneAddress(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && !a.IsUnspecified()
}

func portOf(address string) (uint16, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return uint16(n), err
}

// withPort completes name.i2p to name.i2p:6667.
func withPort(destination string) (string, error) {
	name, port, ok := strings.Cut(destination, ":")
	if !ok {
		port = defaultPort
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || name == "" || strings.ContainsAny(name, " /") {
		return "", fmt.Errorf("%.80q is no destination: write name.i2p or name.i2p:port", destination)
	}
	return name + ":" + port, nil
}

// sameListeners tells whether the change to other settings leaves all listeners as they are.
func (s clientSettings) sameListeners(other clientSettings) bool {
	return s.Listen == other.Listen && s.DCC == other.DCC && (!s.DCC ||
		reflect.DeepEqual(s.DCCListen, other.DCCListen) && reflect.DeepEqual(s.DCCClient, other.DCCClient))
}
