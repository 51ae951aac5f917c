package ntcp2

import (
	"context"
	"net"
	"time"
)

// closeSlowly ends a failed inbound handshake without an answer: it reads a random number of bytes for a random time
// and then resets the connection, so that a prober learns nothing from when and after how many bytes it ends.
func (s *server) closeSlowly(ctx context.Context, conn net.Conn) {
	defer reset(conn)
	defer s.probes.Add(-1)
	if s.probes.Add(1) > maxProbes || ctx.Err() != nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	drain(conn, minProbeTime+time.Duration(someOf(int(maxProbeTime-minProbeTime))), someOf(maxProbeBytes))
}

// drain reads and discards up to n bytes for a time.
func drain(conn net.Conn, d time.Duration, n int) {
	conn.SetReadDeadline(time.Now().Add(d))
	var waste [512]byte
	for n > 0 {
		got, err := conn.Read(waste[:min(n, len(waste))])
		if err != nil {
			return
		}
		n -= got
	}
}

// reset closes a TCP connection with RST.
func reset(conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
