// Package ircd is a small IRC server, for the demo network and for tests: one server, channels, private messages, what
// clients ask for when they connect, and WEBIRC. It keeps nothing, has no operators and links to no other server.
//
//	srv := ircd.New(ircd.Config{Name: "irc.demo.i2p"})
//	err := srv.Serve(ctx, listener) // until ctx ends
//
// Goroutines: two for each client, reading and writing; Serve ends them before it returns. All state is behind one lock,
// under which nobody waits: a line for a client whose queue is full ends that client.
package ircd
