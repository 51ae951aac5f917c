// Package relay joins two connections (layer 0): what the proxies, the plugin host and the plugins do with the bytes once a
// stream is open. Ends are passed on by halves, nothing idles for ever, and a stream that broke does not look complete.
//
// Bytes are copied through a buffer. Splicing them in the kernel, which io.Copy does between sockets, takes up
// to a quarter less CPU (BenchmarkJoin), but does not tell when something moved, which the limits need.
//
// Goroutines: Join starts one and ends it before it returns; a Watchdog is a timer.
package relay
