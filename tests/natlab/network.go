//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"clove.i2p/tests/netns"
)

// A Network is an I2P network in a lab. Its routers are started one by one, each with a seed of those before it.
type Network struct {
	*Lab
	Dir string // data and logs, a directory for each host

	seed []string // router.info files
	stop []func() error
}

// NewNetwork has no routers yet.
func NewNetwork(dir string) (*Network, error) {
	l, err := New()
	if err != nil {
		return nil, err
	}
	return &Network{Lab: l, Dir: dir}, nil
}

func (n *Network) newHost(s Spec) (*Host, string, error) {
	dir := filepath.Join(n.Dir, strings.ReplaceAll(s.Name, " ", "-"))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("natlab: %w", err)
	}
	h, err := n.NewHost(s)
	return h, dir, err
}

// StartPublic adds a number of i2pd routers that everybody reaches, the first half of them floodfills.
func (n *Network) StartPublic(ctx context.Context, number int, cfg I2pdConfig) ([]*I2pd, error) {
	var all []*I2pd
	for i := range number {
		cfg.Fixed, cfg.Floodfill = true, i < (number+1)/2
		r, err := n.StartI2pd(ctx, Spec{Name: fmt.Sprintf("public%d", i)}, cfg)
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

// Seed are the router.info files of all routers so far.
func (n *Network) Seed() []string { return slices.Clone(n.seed) }

// startWeb runs a web server on the loopback of a host; Stop ends it.
func (n *Network) startWeb(h *Host) (w *netns.Web, err error) {
	err = h.Do(func() (err error) {
		w, err = netns.StartWeb()
		return err
	})
	if err == nil {
		n.stop = append(n.stop, w.Close)
	}
	return w, err
}

// Stop ends all routers and takes the lab away.
func (n *Network) Stop() error {
	errs := make([]error, len(n.stop))
	var wg sync.WaitGroup
	for i, stop := range n.stop {
		wg.Go(func() { errs[i] = stop() })
	}
	wg.Wait()
	return errors.Join(append(errs, n.Close())...)
}
