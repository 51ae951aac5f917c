// Package gate is what tunnel plugins may reach (layer: beside plugins/host, which starts their processes). A plugin has no
// network of its own: everything that it opens, it opens here, and is counted, limited, and refused where it is not granted.
//
//	           router, local sockets, files                    clove's proxies
//	                      |                                          |
//	Gate    tunnel: destination, listeners, store, links       DialService
//	                      |                                          |
//	Instance   Host service (gRPC)    data socket: preamble with a ticket, then bytes
//	                      |                   |
//	                       plugin process(es)
//
// A tunnel outlives the plugin processes that serve it. Its destination is opened when it is first needed; its listeners queue what
// arrives while no process accepts (64 connections, 15 s). Each connection is a link from when it takes a place until it has ended:
// link.go draws its life. It is given to a process as a ticket (ticket.go), which is good for one data connection (data.go); that
// is joined with the stream by proxies/relay. A stream of a service is the data connection itself, and files are sent by the
// kernel: no copies.
//
// What a process may do is decided in one place for each call: the tunnel has to be one that it is attached to, the permission has to
// be granted (permission.go), and an address, port or path has to be named by the tunnel's settings (grants.go). clearnet.go and
// public.go keep DialClearnet out of private networks.
//
// What a hostile process can cost is in limits.go, each limit with its reason: links and tickets of a tunnel, connections to the two
// sockets, calls and their size, lines of log, writes to disk. Another process has limits, and sockets, of its own.
//
// Goroutines: Instance.Serve owns those of its sockets and joins, and waits for them. A tunnel has one for each bound listener and
// packet socket, and for each destination that is being opened; Gate.RemoveTunnel and Gate.Close wait for these. Timers (tickets,
// queues, idle destinations) only end what they watch.
//
// Locks are leaves, but for two that order others: Gate.setting (one change of the set of tunnels at a time) and tunnel.binding (one
// bind at a time).
//
// Read first: service.go, then listener.go and link.go.
package gate
