//go:build linux

package interop

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/tests/netns"
)

// The network, and what is where in it.
const (
	transitRouters = 6
	floodfills     = 3 // of those
	hops           = 2 // of i2pd's own tunnels

	HTTPPort, socksPort = 4444, 4447 // of the proxies, with one router that has them
	ConsolePort         = 7070       // and one more for each router of a Network
	RouterPort          = 9200       // the same
)

// Starting the network: i2pd looks after its tunnels every 5 to 15 seconds, and sometimes fails to publish a
// destination at start, and then tries again with the next tunnels only, 10 minutes later. So all start anew if the
// eepsite cannot be read in time.
const (
	settleTime = 90 * time.Second
	settleRuns = 3
)

// A Network is one of real i2pd routers: a client with proxies, a server with an eepsite, and transit routers, of
// which the first are floodfills. Client and server are of a low bandwidth class, so that others choose the rest.
type Network struct {
	Dir     string // logs and data of all
	Client  *I2pd
	Server  *I2pd
	Transit []*I2pd
	Web     *netns.Web
	Eepsite string // of the server; i2pd passes its visitors on to Web
	// Transports of all routers.
	Transports []string

	mu    sync.Mutex
	hosts byte // given away
}

// The transports.
const (
	NTCP2 = "ntcp2"
	SSU2  = "ssu2"
)

// StartNetwork returns when the client can read the eepsite. The caller Stops it, also after an error. prepare may set other
// tunnels before the routers start.
func StartNetwork(ctx context.Context, program, dir string, transports []string, prepare ...func(*Network) error) (*Network, error) {
	n := &Network{Dir: dir, Transports: transports}
	router := func(name, bandwidth string) *I2pd {
		k := n.hosts
		return &I2pd{
			Name: name, Bandwidth: bandwidth, Hops: hops, Address: netip.AddrPortFrom(n.NewHost(), RouterPort+uint16(k)),
			transports: transports, program: program, dir: filepath.Join(dir, name), console: fmt.Sprintf("127.0.0.1:%d", ConsolePort+int(k)),
		}
	}
	n.Client, n.Server = router("r0", "L"), router("r1", "L")
	n.Client.HTTP, n.Client.SOCKS = true, true
	for i := range transitRouters {
		r := router(fmt.Sprintf("r%d", 2+i), "X")
		r.Floodfill = i < floodfills
		n.Transit = append(n.Transit, r)
	}
	var err error
	if n.Web, err = netns.StartWeb(); err != nil {
		return n, err
	}
	if err := n.Client.SetTunnels(); err != nil {
		return n, err
	}
	if err := n.Server.SetTunnels(n.EepsiteTunnel("eepsite")); err != nil {
		return n, err
	}
	for _, f := range prepare {
		if err := f(n); err != nil {
			return n, err
		}
	}
	return n, n.settle(ctx, n.Routers(), nil)
}

// settle starts some routers until the client can read the eepsite: one after the other, each with a seed of those
// before it, to which it makes itself known by connecting.
func (n *Network) settle(ctx context.Context, routers []*I2pd, seed []string) (err error) {
	for range settleRuns {
		if err = n.start(ctx, routers, slices.Clone(seed)); err == nil || ctx.Err() != nil {
			return err
		}
		if stopErr := stopAll(routers); stopErr != nil {
			return errors.Join(err, stopErr)
		}
	}
	return err
}

func (n *Network) start(ctx context.Context, routers []*I2pd, seed []string) (err error) {
	for _, r := range routers {
		if err := r.Start(ctx, seed); err != nil {
			return err
		}
		seed = append(seed, r.RouterInfoFile())
	}
	if n.Eepsite, err = n.Server.Base32("eepsite.dat"); err != nil {
		return err
	}
	v, err := n.ClientVisitor(n.Eepsite)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if err := Poll(ctx, 500*time.Millisecond, func() error { return v.ReadPage(ctx) }); err != nil {
		return fmt.Errorf("i2pd does not read its eepsite: %w", err)
	}
	return nil
}

// NewHost returns an address of the network that nobody has.
func (n *Network) NewHost() netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts++
	return netns.Host(n.hosts - 1)
}

// EepsiteTunnel is a tunnel of i2pd that shows Web; its keys are in NAME.dat.
func (n *Network) EepsiteTunnel(name string) string {
	return Section(name, append(Pool(hops, 3), "type", "http", "host", "127.0.0.1", "port", n.Web.Address().Port,
		"keys", name+".dat", "gzip", false)...)
}

// ClientTunnel is a tunnel of i2pd from a port of loopback to the eepsite, forced through these routers.
func (n *Network) ClientTunnel(name string, port int, peers []i2p.Hash) string {
	hashes := make([]string, len(peers))
	for i, p := range peers {
		hashes[i] = p.String()
	}
	return Section(name, append(Pool(len(peers), 1), "type", "client", "address", "127.0.0.1", "port", port,
		"destination", n.Eepsite, "keys", name+".dat", "explicitPeers", strings.Join(hashes, ","))...)
}

// Routers are all of them, in the order of their start.
func (n *Network) Routers() []*I2pd {
	return append(append([]*I2pd{}, n.Transit...), n.Server, n.Client)
}

// RouterInfoFiles of some routers.
func RouterInfoFiles(routers []*I2pd) []string {
	var files []string
	for _, r := range routers {
		files = append(files, r.RouterInfoFile())
	}
	return files
}

// ClientVisitor reads an eepsite through the HTTP proxy of the i2pd client.
func (n *Network) ClientVisitor(site string) (*Visitor, error) {
	return NewProxyVisitor(site, fmt.Sprintf("http://127.0.0.1:%d", HTTPPort))
}

// Hashes are those of all i2pd routers in Base64, with their names.
func (n *Network) Hashes() (map[string]string, error) {
	all := make(map[string]string)
	for _, r := range n.Routers() {
		h, err := r.Hash()
		if err != nil {
			return nil, err
		}
		all[h.String()] = r.Name
	}
	return all, nil
}

// StopFloodfills ends all floodfills of i2pd.
func (n *Network) StopFloodfills() error { return stopAll(n.Transit[:floodfills]) }

// RestartEnds starts server and client anew, and returns when the client can read the eepsite. All that they know at
// first are the transit routers that are no floodfills, and one more router.
func (n *Network) RestartEnds(ctx context.Context, info string) error {
	ends := []*I2pd{n.Server, n.Client}
	if err := stopAll(ends); err != nil {
		return err
	}
	return n.settle(ctx, ends, append(RouterInfoFiles(n.Transit[floodfills:]), info))
}

// Stop ends all routers.
func (n *Network) Stop() error {
	err := stopAll(n.Routers())
	if n.Web != nil {
		err = errors.Join(err, n.Web.Close())
	}
	return err
}

func stopAll(routers []*I2pd) error {
	errs := make([]error, len(routers))
	var wg sync.WaitGroup
	for i, r := range routers {
		wg.Go(func() { errs[i] = r.Stop() })
	}
	wg.Wait()
	return errors.Join(errs...)
}
