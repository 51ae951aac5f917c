package conformance

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/plugintest/fakenet"
)

// peerName is the server in the fake network.
const peerName = "conformance.i2p"

// lab is all that a plugin may meet: a gate, a network, servers, files.
type lab struct {
	network *fakenet.Network
	gate    *gate.Gate
	backend *backend
	folder  string
	visits  atomic.Uint64
}

func newLab(log *slog.Logger) (*lab, error) {
	l := &lab{network: fakenet.New()}
	var err error
	if l.folder, err = os.MkdirTemp("", "clove-conformance-"); err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	for name, text := range map[string]string{"index.html": page, "about.txt": "about\n", "sub/page.html": page} {
		path := filepath.Join(l.folder, "files", name)
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			l.close()
			return nil, fmt.Errorf("conformance: %w", err)
		}
	}
	l.gate, err = gate.New(gate.Config{Network: l.network, Resolver: nowhere{}, Connect: noConnect, Log: log})
	if err == nil {
		l.backend, err = newBackend(l.network)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("conformance: %w", err)
	}
	return l, nil
}

func (l *lab) close() {
	if l.backend != nil {
		l.backend.close()
	}
	if l.gate != nil {
		_ = l.gate.Close()
	}
	_ = os.RemoveAll(l.folder)
}

// visitor is a new name for each stream: tunnels have limits per peer.
func (l *lab) visitor() string { return fmt.Sprintf("visitor%d.i2p", l.visits.Add(1)%200) }

// nowhere: there is no clearnet here.
type nowhere struct{}

func (nowhere) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func noConnect(context.Context, netip.AddrPort) (net.Conn, error) {
	return nil, fmt.Errorf("there is no clearnet in the conformance suite")
}

// keyFile is for a server's destination: a name only, the fake network writes none.
func keyFile(t *pb.TunnelType, tunnel string) string {
	if t.Destination == pb.DestinationKind_SERVER {
		return tunnel + ".keys"
	}
	return ""
}
