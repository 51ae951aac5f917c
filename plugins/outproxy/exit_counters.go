package main

import "clove.i2p/plugins/sdk"

type exitCounters struct {
	requests, tunnels, bytes *sdk.Counter
	refused                  map[string]*sdk.Counter // by error
	failed                   map[string]*sdk.Counter
	busy                     *sdk.Counter
	malformed                *sdk.Counter
}

func newExitCounters(counter func(name, help string) *sdk.Counter) exitCounters {
	return exitCounters{
		requests: counter("requests", "http:// requests that were let out"),
		tunnels:  counter("tunnels", "CONNECT requests that were let out"),
		bytes:    counter("bytes", "bytes from and to clients"),
		refused: map[string]*sdk.Counter{
			errProhibited: counter("refused_address", "requests for addresses and names that are not of the web"),
			errDenied:     counter("refused_rules", "requests for ports and sites that the rules exclude"),
		},
		busy:      counter("refused_limit", "requests and connections over rates, quotas and other limits, and of clients who may not come"),
		malformed: counter("refused_malformed", "requests that are no proper HTTP"),
		failed: map[string]*sdk.Counter{
			errDNS:         counter("failed_dns", "names that do not exist"),
			errRefused:     counter("failed_connection", "sites that refuse connections"),
			errTimeout:     counter("failed_timeout", "sites that do not answer"),
			errUnavailable: counter("failed_upstream", "requests while squid, or the permission dial-clearnet, was missing"),
			errInternal:    counter("failed_other", "answers that are none"),
		},
	}
}
