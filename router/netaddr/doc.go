// Package netaddr says which IP addresses and ports a router of the public network can have, and groups addresses by who may own them.
//
// Layer 0. Addresses come from strangers: RouterInfos, Retry, peer tests, gateways that forward ports. What is not of the open
// Internet is neither dialled nor published nor told to others, so that nobody reaches a local network through us. The package keeps
// no state, starts no goroutine and resolves nothing.
package netaddr
