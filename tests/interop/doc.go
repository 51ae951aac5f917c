// Package interop runs clove against i2pd: a private I2P network of real i2pd routers (Debian's package) in a network
// namespace that has nothing but loopback, so that nothing can reach the public network.
//
// The harness needs i2pd, Linux, and root or unprivileged user namespaces. Where one of them is missing the tests are
// skipped and say why; with CLOVE_INTEROP=required that is a failure. Environment:
//
//	CLOVE_INTEROP=required   a skip is a failure
//	CLOVE_INTEROP_LONG=1     100 requests, 50 MB and 20 MB instead of 20, 10 and 5, and NTCP2 alone
//	CLOVE_INTEROP_SOAK=12m   TestSoak: a download loop for so long (give -timeout as well)
//	I2PD=/path/to/i2pd       another i2pd
//
// All of it takes up to 10 minutes, which is the limit of go test if none is given: -timeout 20m, and 60m for the long form, as
// make interop does.
//
// Read tests/netns (how the test binary gets into its namespace), network.go (who is in the network) and then
// interop_test.go (the order of the tests).
package interop
