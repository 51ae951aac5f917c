package portmap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"clove.i2p/router/netaddr"
)

// The errors that a State may wrap, beside what the gateway said.
var (
	// ErrNoGateway: there is no default gateway, and no device answered.
	ErrNoGateway = errors.New("portmap: no gateway answers")
	// ErrDisabled: all protocols are.
	ErrDisabled = errors.New("portmap: all protocols are disabled")
	// ErrBypassed: our traffic does not go through the gateway; see Config.Source.
	ErrBypassed = errors.New("portmap: packets to the internet do not go through this gateway (a VPN?)")
)

// A gateway maps ports by one of the protocols.
type gateway interface {
	protocol() Protocol
	addr() netip.AddrPort
	// add maps a port or renews its mapping. external is the port to ask for; the gateway may choose another one. A lease of 0
	// means for ever.
	add(ctx context.Context, p Port, external uint16, lease time.Duration) (mapping, error)
	remove(ctx context.Context, p Port, external uint16) error
}

// A mapping is what a gateway granted.
type mapping struct {
	external netip.AddrPort
	lease    time.Duration
}

// A holding is an external port that a gateway may have mapped for us, also when renewals fail: it may be silent for a while, and
// mappings of UPnP may be for ever. Nobody else is asked to remove it: there it may be another host's.
type holding struct {
	by   gateway
	port uint16 // 0: none
}

// A Mapper keeps ports mapped. It is safe for concurrent use.
//
//	New -> Run (until its ctx ends; mappings are removed) -> done
type Mapper struct {
	cfg     Config
	log     *slog.Logger
	times   timings
	routers func() netip.Addr // the default gateway
	nonces  map[Port][12]byte // of PCP; Run's own
	held    []holding         // by port; Run's own

	mu     sync.Mutex
	ran    bool
	states []State
}

// New returns a Mapper that does nothing yet.
func New(cfg Config) (*Mapper, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Lease = cmp.Or(cfg.Lease, DefaultLease)
	cfg.Gateway = cfg.Gateway.Unmap()
	if !cfg.Search.IsValid() {
		cfg.Search = netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 255, 255, 250}), searchPort)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Mapper{cfg: cfg, log: cfg.Logger, times: usual, routers: defaultGateway, nonces: make(map[Port][12]byte)}
	m.times.renewMin = cmp.Or(cfg.RenewMin, m.times.renewMin)
	for _, p := range cfg.Ports {
		m.states = append(m.states, State{Port: p})
		m.held = append(m.held, holding{})
	}
	return m, nil
}

// Status returns the state of each port, in the order of Config.Ports.
func (m *Mapper) Status() []State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.states)
}

// Run maps the ports, and keeps them mapped until ctx ends. Then it removes the mappings, which takes no longer than a
// few seconds. It returns nil, or an error if it was called before.
func (m *Mapper) Run(ctx context.Context) error {
	m.mu.Lock()
	ran := m.ran
	m.ran = true
	m.mu.Unlock()
	if ran {
		return errors.New("portmap: Run was called before")
	}
	pause := m.times.retryMin
	for ctx.Err() == nil {
		router := m.router()
		g, err := m.find(ctx, router)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			m.lose(err)
			m.wait(ctx, pause, router)
			pause = min(2*pause, m.times.retryMax)
			if m.router() != router {
				pause = m.times.retryMin
			}
			continue
		}
		pause = m.times.retryMin
		m.log.Info("ports mapped", "protocol", g.protocol(), "external", m.Status()[0].External)
		m.hold(ctx, g, router)
	}
	m.release()
	return nil
}

// hold renews the mappings of a gateway until ctx ends, the gateway fails or another one takes its place: then it removes them.
func (m *Mapper) hold(ctx context.Context, g gateway, router netip.Addr) {
	for m.wait(ctx, m.renewal(), router) {
		if err := m.addAll(ctx, g); err != nil && ctx.Err() == nil {
			m.log.Warn("port mapping lost", "protocol", g.protocol(), "cause", err)
			m.lose(err)
			return
		}
	}
	if ctx.Err() == nil { // else Run does, and two would take twice the time
		m.release()
	}
}

// wait waits, and tells whether nothing happened in the meantime: neither the end of ctx nor a change of gateways.
func (m *Mapper) wait(ctx context.Context, d time.Duration, router netip.Addr) bool {
	end := time.Now().Add(d)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(max(min(time.Until(end), m.times.check), 0)):
		}
		if m.router() != router {
			return false
		}
		if !time.Now().Before(end) {
			return true
		}
	}
}

// router is the gateway that PCP and NAT-PMP ask and that must be the UPnP device; not valid if the system does not say.
func (m *Mapper) router() netip.Addr {
	if m.cfg.Gateway.IsValid() {
		return m.cfg.Gateway
	}
	return m.routers()
}

// renewal is half of the shortest lease.
func (m *Mapper) renewal() time.Duration {
	lease := m.cfg.Lease
	for _, s := range m.Status() {
		if s.External.IsValid() && s.Lease > 0 {
			lease = min(lease, s.Lease)
		}
	}
	return max(lease/2, m.times.renewMin)
}

// find tries the protocols in turn, and returns the gateway that mapped a port.
func (m *Mapper) find(ctx context.Context, router netip.Addr) (gateway, error) {
	enabled := func(p Protocol) bool { return !slices.Contains(m.cfg.Disabled, p) }
	if !enabled(PCP) && !enabled(NATPMP) && !enabled(UPnP) {
		return nil, ErrDisabled
	}
	var why error
	try := func(g gateway) bool {
		err := m.addAll(ctx, g)
		if err != nil {
			m.log.Debug("gateway does not map", "protocol", g.protocol(), "cause", err)
			why = errors.Join(why, err)
		}
		return err == nil
	}
	if local := m.local(router); local.IsValid() {
		if m.bypassed(local) {
			return nil, ErrBypassed
		}
		if enabled(PCP) {
			if g := newPCP(local, router, m.times, m.nonces); try(g) || ctx.Err() != nil {
				return g, ctx.Err()
			}
		}
		if enabled(NATPMP) {
			if g := newNATPMP(local, router, m.times); try(g) || ctx.Err() != nil {
				return g, ctx.Err()
			}
		}
	}
	if enabled(UPnP) {
		devices, err := m.searchUPnP(ctx, router)
		if err != nil {
			why = errors.Join(why, err)
		}
		for _, g := range devices {
			if try(g) || ctx.Err() != nil {
				return g, ctx.Err()
			}
		}
	}
	if why == nil {
		why = ErrNoGateway
	}
	return nil, why
}

// addAll maps or renews all ports. The error is nil if one of them is mapped.
func (m *Mapper) addAll(ctx context.Context, g gateway) error {
	var errs []error
	mapped := false
	for i, old := range m.Status() {
		want := cmp.Or(m.held[i].port, old.Port.External, old.Port.Internal)
		got, err := g.add(ctx, old.Port, want, m.cfg.Lease)
		switch {
		case err == nil:
			m.held[i] = holding{g, got.external.Port()}
			err = m.check(got)
		case errors.Is(err, errTaken) && m.held[i].port != 0 && m.held[i].by.addr().Addr() == g.addr().Addr():
			m.held[i] = holding{} // it is another host's now
		}
		if err != nil {
			err = fmt.Errorf("portmap: %v %v: map %v %d: %w", g.protocol(), g.addr().Addr(), old.Port.Transport, old.Port.Internal, err)
			errs = append(errs, err)
			if i == 0 || ctx.Err() != nil {
				break // a gateway that does not take the first takes none
			}
			m.set(i, State{Port: old.Port, Err: err})
			continue
		}
		mapped = true
		m.set(i, State{
			Port: old.Port, Protocol: g.protocol(), Gateway: g.addr(), External: got.external,
			DoubleNAT: !m.cfg.AllowPrivate && !(got.external.Addr().Unmap().Is4() && netaddr.Public(got.external.Addr())),
			Lease:     min(got.lease, maxLease), Renewed: time.Now(),
		})
	}
	if mapped {
		return nil
	}
	return errors.Join(errs...)
}

// check refuses what no gateway means.
func (m *Mapper) check(got mapping) error {
	ip := got.external.Addr()
	if !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || got.external.Port() == 0 {
		return fmt.Errorf("external address %v: the gateway is not connected", got.external)
	}
	return nil
}
