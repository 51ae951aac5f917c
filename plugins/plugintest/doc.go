// Package plugintest runs a plugin inside a test: the real gate and gRPC, real data sockets, a network in memory.
//
//	h := plugintest.NewHost(t)
//	irc, _ := h.I2P.Listen("irc.example.i2p", 6667)                 // a peer outside
//	tun := h.Start(plugin, "irc-client", map[string]any{"listen": "127.0.0.1:0", ...})
//	... connect to the local address, see what arrives at irc ...
//	tun.Drain(time.Second)
//
// All ends with the test. A test may use goleak: nothing is left over.
package plugintest
