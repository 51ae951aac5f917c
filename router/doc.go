// Package router is the I2P router as a Go library (layer 8): the composition root of all packages below it, and the
// API to embed it.
//
//	r, err := router.New(router.Config{DataDir: dir, ...}, log)
//	go r.Run(ctx)
//	d, err := r.Open(router.DestinationConfig{...})        // a destination of ours, with tunnels of its own
//	conn, err := d.Dial(ctx, "i2p", "name.i2p:80")         // net.Conn
//	listener, err := d.Listen(80)                          // net.Listener
//	packets, err := d.ListenPacket(datagram.KindDatagram1, 53) // net.PacketConn
//
// Start does the first two lines. Two routers in one process share nothing.
//
// Read inbound.go and outbound.go first: every message passes one of them.
//
// This package is stable: what is exported here keeps its meaning.
package router
