package fakenet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/host/gate"
)

// Network is the zero network of New: nobody is there yet.
type Network struct {
	mu      sync.Mutex
	names   map[string]*destination // "irc.example.i2p", and .b32.i2p
	tunnels map[string][]*destination
	known   map[string]gate.Address // that have been there, or have been named
}

var _ gate.Network = (*Network)(nil)

// New makes a network without anybody.
func New() *Network {
	return &Network{names: map[string]*destination{}, tunnels: map[string][]*destination{}, known: map[string]gate.Address{}}
}

// I2P's base 64 has - and ~ for + and /.
var i2pBase64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~")

// addressFor makes up a destination of 391 bytes, the same for the same seed.
func addressFor(seed string) gate.Address {
	b := make([]byte, 0, 416)
	for i := 0; len(b) < 391; i++ {
		sum := sha256.Sum256([]byte(seed + "/" + strconv.Itoa(i)))
		b = append(b, sum[:]...)
	}
	hash := sha256.Sum256(b[:391])
	name := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(hash[:])) + ".b32.i2p"
	return gate.Address{Base32: name, Base64: i2pBase64.EncodeToString(b[:391])}
}

// Open implements gate.Network: the destination of a tunnel. The same key file is the same address.
func (n *Network) Open(_ context.Context, spec gate.Spec) (gate.Destination, error) {
	seed := "keys:" + spec.KeyFile
	if spec.KeyFile == "" {
		seed = "transient:" + rand.Text()
	}
	d := n.destination(addressFor(seed), spec.Tunnel)
	d.published = spec.Published
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tunnels[spec.Tunnel] = append(n.tunnels[spec.Tunnel], d)
	return d, nil
}

func (n *Network) destination(a gate.Address, name string) *destination {
	d := newDestination(n, a, name)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[a.Base32] = d
	n.known[a.Base32] = a
	return d
}

// Peer is a destination outside, by name; it is made when it is first named.
func (n *Network) peer(name string) *destination {
	n.mu.Lock()
	d := n.names[name]
	n.mu.Unlock()
	if d != nil {
		return d
	}
	d = n.destination(addressFor("peer:"+name), name)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = d
	n.known[name] = d.address
	return d
}

// Address is that of the peer of a name.
func (n *Network) Address(name string) gate.Address { return n.peer(name).address }

// Listen makes a server outside: name.i2p on a port, 0 for all.
func (n *Network) Listen(name string, port int) (net.Listener, error) {
	return n.peer(name).Listen(uint16(port))
}

// ListenPacket makes a peer outside that takes and sends datagrams.
func (n *Network) ListenPacket(name string, kind PacketKind, port int) (gate.PacketConn, error) {
	return n.peer(name).ListenPacket(kind, uint16(port))
}

// Dial connects a peer outside to a tunnel: by the tunnel's name, or by an .i2p name.
func (n *Network) Dial(ctx context.Context, from, to string, port int) (net.Conn, error) {
	n.mu.Lock()
	for _, d := range n.tunnels[to] {
		if !d.isClosed() {
			to = d.address.Base32
			break
		}
	}
	n.mu.Unlock()
	return n.peer(from).Dial(ctx, net.JoinHostPort(to, strconv.Itoa(port)))
}

// Offline makes a name known that is not there.
func (n *Network) Offline(name string) gate.Address {
	a := addressFor("peer:" + name)
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.names, name)
	delete(n.names, a.Base32)
	n.known[name] = a
	n.known[a.Base32] = a
	return a
}

// Lookup implements gate.Network.
func (n *Network) Lookup(_ context.Context, name string) (gate.Address, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a, ok := n.known[strings.ToLower(name)]; ok {
		return a, nil
	}
	return gate.Address{}, fmt.Errorf("%s is in no address book: %w", name, api.ErrUnknownHost)
}

// find is who is there.
func (n *Network) find(name string) (*destination, error) {
	name = strings.ToLower(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if d := n.names[name]; d != nil && !d.isClosed() {
		return d, nil
	}
	if _, ok := n.known[name]; ok {
		return nil, fmt.Errorf("%s: %w", name, api.ErrOffline)
	}
	for _, d := range n.names {
		if strings.EqualFold(d.address.Base64, name) && !d.isClosed() {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%s is in no address book: %w", name, api.ErrUnknownHost)
}
