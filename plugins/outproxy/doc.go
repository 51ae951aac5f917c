// Command clove-plugin-outproxy is the way out of I2P (a plugin, beside the sdk). The tunnel type outproxy-server is an exit: a
// destination whose clients reach the web, through a squid of its operator's or on its own. outproxy-client uses exits: clove's
// proxies send to it what their rules let out.
//
//	clove's proxies -> service "outproxy" -> client: choice of an exit, failover -> I2P -> exit -> squid, or the host's DialClearnet
//
// The language between all of them is that of HTTP proxies: absolute-form requests for http://, CONNECT for everything else.
// Errors carry a Proxy-Status header (RFC 9209), of "outproxy" for what the client says and of "exit" for what the exit says.
//
// What may be asked for is in destination.go. Read exit.go for the one side and client.go for the other.
//
// Goroutines: those of http.Server and http.Transport; one per exit tunnel, which saves the ledger and the audit; one per client
// tunnel, which probes.
package main
