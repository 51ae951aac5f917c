package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"clove.i2p/plugins/sdk"
)

// kinds by their names in settings.
var kinds = map[string]sdk.PacketKind{
	"datagram1": sdk.Repliable, "datagram2": sdk.Datagram2, "datagram3": sdk.Datagram3, "raw": sdk.Raw,
}

// proven reports whether a datagram of the kind proves who sent it.
func proven(kind string) bool { return kind == "datagram1" || kind == "datagram2" }

// i2pAddr is where a datagram goes.
func i2pAddr(address string) net.Addr { return sdk.Addr{Net: "i2p", Address: address} }

// splitAddress reads host:port; without a port it is 0. The host of a raw datagram is empty.
func splitAddress(s string) (host string, port uint16, err error) {
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return s, 0, nil
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port %.20q: want 0 to 65535", p)
	}
	return host, uint16(n), nil
}

// ended is what a reader returns for the error of its socket: nil if the tunnel ends, which may follow a moment later.
func ended(ctx context.Context, t *sdk.Tunnel, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		wait := time.NewTimer(handover)
		defer wait.Stop()
		select {
		case <-ctx.Done():
			return nil
		case <-t.Draining():
			return nil
		case <-wait.C:
		}
	}
	return fmt.Errorf("packets end: %w", err)
}
