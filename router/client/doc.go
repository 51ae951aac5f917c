// Package client is a Destination hosted here (layer 7): its tunnel pool, its LeaseSet, its garlic sessions, its own
// view of the network database, and the demultiplexing of what arrives by protocol and port.
//
// A packet out: Send wraps it in a gzip member and a Data message (payload.go), seals it for the far destination
// (outbound.go), chooses a path, that is one of the far LeaseSet's leases and one of our outbound tunnels
// (path.go), and hands the tunnel messages to the transport. A packet in: an inbound tunnel's endpoint calls
// Received (inbound.go), which opens the garlic, applies the delivery rules and gives the data to the Handler. All of
// it runs on the caller's goroutine; Serve owns two more, for the tunnels and for the LeaseSet.
//
// A Session shares nothing observable with the router or with another Session: tunnels, one-time tags, netDb view and
// sessions are its own.
package client
