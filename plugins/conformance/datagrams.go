package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"clove.i2p/plugins/api/pb"
)

// probeDatagram sends packets until one has come back: datagrams may be lost.
func (x *trial) probeDatagram(ctx context.Context) error {
	if x.typ.Destination == pb.DestinationKind_SERVER {
		return x.datagramServer(ctx)
	}
	status, _ := x.lab.gate.Tunnel(tunnelName)
	for _, l := range status.Listeners {
		if l.Kind != "packets" || !strings.HasPrefix(l.Address, "127.0.0.1:") {
			continue
		}
		c, err := net.Dial("udp", l.Address)
		if err != nil {
			return err
		}
		defer c.Close()
		b := make([]byte, 2048)
		for end := time.Now().Add(callTime); time.Now().Before(end); {
			if _, err := c.Write([]byte("datagram")); err != nil {
				return err
			}
			_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
			if n, err := c.Read(b); err == nil {
				return same("datagram", b[:n])
			}
		}
		return fmt.Errorf("no datagram came back to %s", c.LocalAddr())
	}
	return errors.New("the tunnel has started and listens on no local UDP address")
}

// datagramServer tries the kinds that have a sender.
func (x *trial) datagramServer(ctx context.Context) error {
	address, err := x.lab.gate.Address(ctx, tunnelName)
	if err != nil {
		return err
	}
	answers := make(chan []byte, 16)
	for _, kind := range []pb.PacketKind{pb.PacketKind_REPLIABLE, pb.PacketKind_DATAGRAM2, pb.PacketKind_DATAGRAM3} {
		c, err := x.lab.network.ListenPacket(x.lab.visitor(), kind, 7)
		if err != nil {
			return err
		}
		done := make(chan struct{})
		defer func() {
			_ = c.Close()
			<-done
		}()
		go func() {
			defer close(done)
			b := make([]byte, 64<<10)
			for {
				n, _, err := c.ReadFrom(b)
				if err != nil {
					return
				}
				select {
				case answers <- append([]byte(nil), b[:n]...):
				default:
				}
			}
		}()
		for range 6 {
			if err := c.WriteTo(ctx, []byte("datagram"), address.Base32+":7"); err != nil {
				return err
			}
			select {
			case b := <-answers:
				return same("datagram", b)
			case <-time.After(500 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return errors.New("no datagram came back")
}

func same(want string, got []byte) error {
	if string(got) != want {
		return fmt.Errorf("%q came back as %q", want, got)
	}
	return nil
}
