package router

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// ProtocolVersion is the release of the network's protocols that this router speaks. Peers decide by it what they may send
// (i2pd reads its digits as one number), so that it is not the version of the program.
const ProtocolVersion = "0.9.67"

// An identity is what makes a router the same one after a restart.
type identity struct {
	keys *i2p.RouterKeys
	link linkKeys
}

// linkKeys are those of NTCP2, and the port that was chosen at the first start.
//
//	static key 32 | IV 16 | port 2
type linkKeys struct {
	static keys.X25519Private
	iv     [16]byte
	port   uint16
}

const linkKeysLen = 32 + 16 + 2

// loadIdentity reads router.keys and ntcp2.keys in dir, or makes them; with no dir it makes them in memory. port is
// false until the first listener has one.
func loadIdentity(dir string) (id identity, err error) {
	if dir == "" {
		if id.keys, err = i2p.NewRouterKeys(); err != nil {
			return id, fmt.Errorf("router: %w", err)
		}
		id.link, err = newLinkKeys()
		return id, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return id, fmt.Errorf("router: make the data directory: %w", err)
	}
	if id.keys, err = i2p.LoadOrCreateRouterKeys(filepath.Join(dir, "router.keys")); err != nil {
		return id, fmt.Errorf("router: %w", err)
	}
	path := filepath.Join(dir, "ntcp2.keys")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		id.link, err = newLinkKeys()
		return id, err
	}
	if err != nil {
		return id, fmt.Errorf("router: read the NTCP2 keys: %w", err)
	}
	if id.link, err = parseLinkKeys(b); err != nil {
		return id, fmt.Errorf("router: damaged key file %s (%w): it is left as it is; put a good copy in its place, or move it away to have "+
			"new keys made", path, err)
	}
	return id, nil
}

func newLinkKeys() (k linkKeys, err error) {
	if k.static, err = keys.GenerateX25519(); err != nil {
		return k, fmt.Errorf("router: %w", err)
	}
	rand.Read(k.iv[:])
	return k, nil
}

func parseLinkKeys(b []byte) (k linkKeys, err error) {
	if len(b) != linkKeysLen {
		return k, fmt.Errorf("%d bytes, want %d", len(b), linkKeysLen)
	}
	if bytes.Equal(b[:32], make([]byte, 32)) {
		return k, errors.New("the key is zero")
	}
	k.static = keys.NewX25519([32]byte(b[:32]))
	copy(k.iv[:], b[32:])
	k.port = binary.BigEndian.Uint16(b[48:])
	return k, nil
}

// keepPort writes the NTCP2 keys with the port, if that is not how they are kept already.
func (id *identity) keepPort(dir string, port uint16) error {
	if id.link.port == port {
		return nil
	}
	id.link.port = port
	if dir == "" {
		return nil
	}
	static := id.link.static.Bytes()
	b := append(static[:], id.link.iv[:]...)
	return writeFile(filepath.Join(dir, "ntcp2.keys"), binary.BigEndian.AppendUint16(b, port))
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

// listenAddresses are those of the configuration, with the port that was chosen before for port 0.
func listenAddresses(n NTCP2, kept uint16) ([]netip.AddrPort, error) {
	at, err := n.listen()
	if err != nil {
		return nil, err
	}
	for i, a := range at {
		if a.Port() == 0 {
			at[i] = netip.AddrPortFrom(a.Addr(), kept)
		}
	}
	return at, nil
}

// sign makes our RouterInfo as it is now.
func (r *Router) sign() error {
	addresses := r.ntcp2.Addresses()
	published := false
	for _, a := range addresses {
		published = published || a.Host().IsValid()
	}
	ri, err := i2p.NewRouterInfo(r.id.keys, r.clock.Now(), addresses, map[string]string{
		"caps":           r.caps(published),
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

// caps are the capabilities that we publish: bandwidth class, floodfill, reachability (network-database.md, "caps").
func (r *Router) caps(published bool) string {
	var b strings.Builder
	b.WriteByte(bandwidthClass(r.cfg.Bandwidth))
	if r.role.on.Load() {
		b.WriteByte('f')
	}
	if published {
		b.WriteByte('R')
	} else {
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
