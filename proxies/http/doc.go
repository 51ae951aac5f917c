// Package http is the HTTP proxy (layer 3 of the front).
//
//	request -> auth.go (who is it) -> gate.go (proxies.Policy: I2P, an outproxy, or a page that says why not)
//	        -> CONNECT          -> connect.go: hijack, dial, proxies.Relay; plain.go cleans a plain request behind it
//	        -> absolute form    -> goproxy -> headers.go -> exchange.go: one stream, one request -> gzip.go, response
//	                               headers -> writer.go (flushed as it comes)
//	        -> http://proxy.i2p -> local.go, start.go: the proxy's own pages; confirm.go: address helpers
//	        -> anything else    -> local.go: help, proxy.pac
//
// github.com/elazarl/goproxy gets absolute-form requests only and opens no connection of its own: its transport can
// use nothing but the stream that exchange.go dialed for this very request. A stream serves one request. It is
// never reused, so no two requests are linked by it and isolation cannot be crossed. A stream to an outproxy carries the
// same request in absolute form (outproxy.go), and what goes wrong behind it is told by pages_outproxy.go.
//
// The server learns neither the name under which it is known here nor what tells browsers apart (headers.go). Sites learn
// nothing of the proxy either: a page of ours is shown to people, scripts get a bare status (audience.go).
//
// Goroutines: Serve runs net/http's server and ends all its connections before it returns. A request has one more
// while its body is sent, a CONNECT or websocket one more while it relays.
//
// Specifications: RFC 9110 and 9112; RFC 7616 (Digest), RFC 9209 (Proxy-Status); I2PTunnel (HTTP client), Naming and Address Book.
package http
