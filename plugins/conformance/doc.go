// Package conformance tries any plugin binary against the contract of plugins/api: handshake, description, bad settings, the life of
// each tunnel type, streams, drain, and the end of the host. "clove plugin conformance BINARY" prints its results.
//
// It starts the binary with go-plugin, without a sandbox, behind a real gate whose I2P network is in memory. Settings come from the
// schema: listen addresses are free ports of 127.0.0.1, dial addresses a server of the suite's own, I2P addresses the peer
// conformance.i2p, folders a temporary one. What a schema cannot say has to be given in Options.
//
// Read first: run.go, the list of checks; settings.go; backend.go, what the suite's server answers.
//
// Goroutines: those of the backend and of the process under test end before Run returns.
package conformance
