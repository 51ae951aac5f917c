package router

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ntcp2"
	"clove.i2p/router/transport/ssu2"
	"clove.i2p/router/udp"
)

// openTransports binds the ports of the transports that are on.
func (r *Router) openTransports() (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, r.closeTransports())
		}
	}()
	if !r.cfg.NTCP2.Disabled {
		if err := r.openNTCP2(); err != nil {
			return err
		}
	}
	if !r.cfg.SSU2.Disabled {
		if err := r.openSSU2(); err != nil {
			return err
		}
	}
	r.reach.bound()
	if err := r.sign(); err != nil {
		return err
	}
	var all []transport.Transport
	if r.ntcp2 != nil {
		all = append(all, r.ntcp2)
	}
	if r.ssu2 != nil {
		all = append(all, r.ssu2)
	}
	r.mux, err = transport.New(transport.Config{Self: r.hash, NetworkID: r.cfg.NetworkID}, transport.Deps{
		Transports: all, Lookup: r.lookup, Peers: r.book, Logger: r.log,
	})
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	return nil
}

func (r *Router) openNTCP2() error {
	listen, err := r.cfg.endpoints("ntcp2", r.cfg.NTCP2, r.id.ntcp2.port)
	if err != nil {
		return err
	}
	advertise, err := r.cfg.advertised("ntcp2", r.cfg.NTCP2)
	if err != nil {
		return err
	}
	through, err := r.cfg.upstream()
	if err != nil {
		return err
	}
	dial := r.cfg.Sockets.Dial
	if through != nil {
		r.proxy = &proxy{dialer: through, log: r.log}
		dial = r.proxy.dial
	}
	sizes, err := r.cfg.postQuantum()
	if err != nil {
		return err
	}
	cfg := ntcp2.Config{
		Listen: listen, Advertise: advertise, Hidden: r.cfg.Hidden, NetworkID: r.cfg.NetworkID, AllowPrivate: r.cfg.AllowPrivate,
		NoIPv4: r.cfg.NoIPv4, NoIPv6: r.cfg.NoIPv6,
		StaticKey: r.id.ntcp2.static, IV: [ivLen]byte(r.id.ntcp2.mask), SelfHash: r.hash, Self: r.own.Load, Skew: r.skew.note(r.clock),
		Limiter: r.limiter, PostQuantum: sizes,
	}
	deps := ntcp2.Deps{Clock: r.clock, Logger: r.log, Listen: r.cfg.Sockets.Listen, Dial: dial}
	r.ntcp2, err = ntcp2.New(cfg, deps)
	if without := r.cfg.NTCP2.withoutIPv6(listen, err); len(without) > 0 {
		cfg.Listen = without
		r.ntcp2, err = ntcp2.New(cfg, deps)
	}
	if err != nil {
		return fmt.Errorf("router: %w", taken("ntcp2", firstPort(listen), err))
	}
	return keepFirstPort(&r.id.ntcp2, r.cfg.DataDir, "ntcp2", r.ntcp2.Bound())
}

func (r *Router) openSSU2() error {
	port := r.id.ssu2.port
	first := port == 0
	if first {
		port = r.id.ntcp2.port // one number to forward is easier than two
	}
	err := r.bindSSU2(port)
	if errors.Is(err, syscall.EADDRINUSE) && first && port != 0 {
		err = r.bindSSU2(0)
	}
	if err != nil {
		return err
	}
	return keepFirstPort(&r.id.ssu2, r.cfg.DataDir, "ssu2", r.ssu2.Bound())
}

func (r *Router) bindSSU2(port uint16) error {
	listen, err := r.cfg.endpoints("ssu2", r.cfg.SSU2, port)
	if err != nil {
		return err
	}
	advertise, err := r.cfg.advertised("ssu2", r.cfg.SSU2)
	if err != nil {
		return err
	}
	sizes, err := r.cfg.postQuantum()
	if err != nil {
		return err
	}
	var versions []byte // of those that SSU2 has: proposal 169
	for _, p := range sizes {
		switch p {
		case mlkem.MLKEM512:
			versions = append(versions, 3)
		case mlkem.MLKEM768:
			versions = append(versions, 4)
		}
	}
	cfg := ssu2.Config{
		Listen: listen, Advertise: advertise, NoIPv4: r.cfg.NoIPv4, NetworkID: r.cfg.NetworkID, AllowPrivate: r.cfg.AllowPrivate,
		StaticKey: r.id.ssu2.static, IntroKey: [introKeyLen]byte(r.id.ssu2.mask), SigningKey: r.id.keys.Signing,
		SelfHash: r.hash, Self: r.own.Load, Skew: r.skew.note(r.clock), Limiter: r.limiter, PostQuantum: versions,
		Mode: batching[r.cfg.Batching],
	}
	deps := ssu2.Deps{
		Clock: r.clock, Logger: r.log, Listen: r.cfg.Sockets.ListenPacket, Observer: r.reach,
		RouterInfo: func(router i2p.Hash) *i2p.RouterInfo { return r.db.RouterInfo(router) }, Lookup: r.lookup,
		Banned: func(router i2p.Hash) bool { return r.mux.Banned(router) },
	}
	r.ssu2, err = ssu2.New(cfg, deps)
	if without := r.cfg.SSU2.withoutIPv6(listen, err); len(without) > 0 {
		cfg.Listen = without
		r.ssu2, err = ssu2.New(cfg, deps)
	}
	if err != nil {
		return fmt.Errorf("router: %w", taken("ssu2", firstPort(listen), err))
	}
	return nil
}

func firstPort(at []netip.AddrPort) uint16 {
	if len(at) == 0 {
		return 0
	}
	return at[0].Port()
}

// batching are the values of Config.Batching.
var batching = map[string]udp.Mode{"": udp.Auto, "auto": udp.Auto, "batched": udp.Batched, "plain": udp.Plain}

// keepFirstPort keeps the keys for the next start, and the port of the first listener, if there is one.
func keepFirstPort(k *linkKeys, dir, name string, bound []netip.AddrPort) error {
	port := k.port
	if len(bound) > 0 {
		port = bound[0].Port()
	}
	return k.keep(dir, name, port)
}

func (r *Router) closeTransports() error {
	var err error
	if r.ntcp2 != nil {
		err = r.ntcp2.Close()
	}
	if r.ssu2 != nil {
		err = errors.Join(err, r.ssu2.Close())
	}
	return err
}

// addresses are the RouterAddresses of all transports as they are now.
func (r *Router) addresses() []i2p.RouterAddress {
	var all []i2p.RouterAddress
	if r.ntcp2 != nil {
		all = append(all, r.ntcp2.Addresses()...)
	}
	if r.ssu2 != nil {
		all = append(all, r.ssu2.Addresses()...)
	}
	return all
}

// bound are the addresses that we listen on.
func (r *Router) bound() []netip.AddrPort {
	var all []netip.AddrPort
	if r.ntcp2 != nil {
		all = r.ntcp2.Bound()
	}
	if r.ssu2 != nil {
		for _, a := range r.ssu2.Bound() {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all
}

// postQuantum parses PostQuantum.
func (c Config) postQuantum() ([]mlkem.Params, error) {
	var all []mlkem.Params
	for _, name := range c.PostQuantum {
		p, ok := map[string]mlkem.Params{"mlkem512": mlkem.MLKEM512, "mlkem768": mlkem.MLKEM768, "mlkem1024": mlkem.MLKEM1024}[name]
		if !ok {
			return nil, fmt.Errorf("router: key exchange %q: want mlkem512, mlkem768 or mlkem1024", name)
		}
		if slices.Contains(all, p) {
			return nil, fmt.Errorf("router: key exchange %q is there twice", name)
		}
		all = append(all, p)
	}
	return all, nil
}
