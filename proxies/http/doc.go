// Package http is the HTTP proxy (layer 1 of the front).
//
//	request -> CONNECT          -> connect.go: hijack, dial, proxies.Relay
//	        -> absolute form    -> goproxy -> gate.go (which host, may it) -> headers.go -> exchange.go: one
//	                               stream, one request -> response headers -> writer.go (flushed as it comes)
//	        -> anything else    -> local.go: help
//
// github.com/elazarl/goproxy gets absolute-form requests only and opens no connection of its own: its transport can
// use nothing but the stream that exchange.go dialed for this very request. A stream serves one request. It is
// never reused, so no two requests are linked by it and isolation cannot be crossed.
//
// The server learns neither the name under which it is known here nor what tells browsers apart (headers.go).
//
// Goroutines: Serve runs net/http's server and ends all its connections before it returns. A request has one more
// while its body is sent, a CONNECT or websocket one more while it relays.
package http
