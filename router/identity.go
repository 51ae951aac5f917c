package router

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/i2p"
)

// ProtocolVersion is the release of the network's protocols that this router speaks. Peers decide by it what they may send
// (i2pd reads its digits as one number), so that it is not the version of the program.
const ProtocolVersion = "0.9.67"

// An identity is what makes a router the same one after a restart.
type identity struct {
	keys        *i2p.RouterKeys
	ntcp2, ssu2 linkKeys
	renewed     bool // in the place of one that showed itself otherwise
}

// loadIdentity reads router.keys, ntcp2.keys and ssu2.keys in dir, or makes them, as well when the router shows itself otherwise
// than before; with no dir it makes them in memory.
func loadIdentity(dir string, as exposure) (id identity, err error) {
	if dir == "" {
		id.keys, err = i2p.NewRouterKeys()
	} else if id.renewed, err = renew(dir, as); err != nil {
		return id, err
	} else {
		id.keys, err = i2p.LoadOrCreateRouterKeys(filepath.Join(dir, "router.keys"))
	}
	if err != nil {
		return id, fmt.Errorf("router: %w", err)
	}
	if id.ntcp2, err = loadLinkKeys(dir, "ntcp2", ivLen); err != nil {
		return id, err
	}
	id.ssu2, err = loadLinkKeys(dir, "ssu2", introKeyLen)
	return id, err
}

// writeFile replaces a file by a whole one or not at all.
func writeFile(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("router: write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("router: write %s: %w", path, err)
		}
	}()
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// resign makes our RouterInfo anew, and publishes it.
func (r *Router) resign(now time.Time) {
	r.signing.Lock()
	r.elect(now)
	err := r.sign()
	r.signing.Unlock()
	if err != nil {
		r.log.Error("RouterInfo not signed", "err", err)
		return
	}
	r.db.SelfChanged()
}

// sign makes our RouterInfo as it is now. Once the router runs it is for resign only.
func (r *Router) sign() error {
	addresses := r.addresses()
	ri, err := i2p.NewRouterInfo(r.id.keys, r.clock.Now(), addresses, map[string]string{
		"caps":           r.caps(publishes(addresses)),
		"netId":          strconv.Itoa(r.cfg.NetworkID),
		"router.version": ProtocolVersion,
	})
	if err != nil {
		return fmt.Errorf("router: sign our RouterInfo: %w", err)
	}
	r.own.Store(ri)
	if r.cfg.DataDir != "" {
		// Others may start with this file: it is what reseed files are made of.
		if err := writeFile(filepath.Join(r.cfg.DataDir, "router.info"), ri.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// saysSo: our RouterInfo says where we are, and who can reach us.
func (r *Router) saysSo() bool {
	own, now := r.own.Load(), r.addresses()
	return sameAddresses(own.Addresses(), now) && own.Caps() == r.caps(publishes(now))
}

// publishes reports whether one of the addresses can be dialled.
func publishes(all []i2p.RouterAddress) bool {
	return slices.ContainsFunc(all, func(a i2p.RouterAddress) bool { return a.Host().IsValid() })
}

// caps are the capabilities that we publish: bandwidth class, floodfill, reachability (network-database.md, "caps").
func (r *Router) caps(published bool) string {
	var b strings.Builder
	b.WriteByte(bandwidthClass(r.cfg.Bandwidth))
	if r.role.on.Load() && published { // who cannot be asked is no floodfill, whatever the configuration says
		b.WriteByte('f')
	}
	switch {
	case r.cfg.Hidden:
		b.WriteByte('H')
	case published:
		b.WriteByte('R')
	default: // as well while nobody knows: who takes that for reachable builds tunnels through us that fail
		b.WriteByte('U')
	}
	if r.cfg.NoTransit {
		b.WriteByte('G')
	}
	return b.String()
}

// bandwidthClass is the letter for what transit may use, in KB/s.
func bandwidthClass(bw bandwidth.Config) byte {
	rate := bw.TransitRate()
	if rate == bandwidth.Unlimited {
		return 'X'
	}
	for _, class := range []struct {
		letter byte
		below  bandwidth.Rate
	}{{'K', 12_000}, {'L', 48_000}, {'M', 64_000}, {'N', 128_000}, {'O', 256_000}, {'P', 2_000_000}} {
		if rate < class.below {
			return class.letter
		}
	}
	return 'X'
}
