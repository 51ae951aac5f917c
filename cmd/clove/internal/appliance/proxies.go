package appliance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"clove.i2p/proxies"
	httpproxy "clove.i2p/proxies/http"
	"clove.i2p/proxies/socks"
	"clove.i2p/router"
)

// A kind of proxy: what tells the two apart.
type proxyKind struct {
	name, title string
	key         string // of its address in the configuration
	address     func(ProxyConfig) string
	// settings are those that a change of means a new server, comparable.
	settings func(ProxyConfig) any
	make     func(*Appliance, ProxyConfig, *outlet) (proxyServer, error)
}

type proxyServer interface {
	Serve(ctx context.Context, l net.Listener) error
	Stats() proxies.Stats
}

type sharedSettings struct {
	dial, idle time.Duration
	users      string
	isolation  proxies.IsolationPolicy
}

func shared(c ProxyConfig) sharedSettings {
	return sharedSettings{c.DialTimeout, c.IdleTimeout, c.Users, c.Isolation}
}

var proxyKinds = []proxyKind{
	{
		name: "http", title: "HTTP proxy", key: "proxies.http.listen",
		address: func(c ProxyConfig) string { return c.HTTP },
		settings: func(c ProxyConfig) any {
			return [...]any{shared(c), c.Auth, c.AddressHelper, fmt.Sprintf("%q", c.Jump)}
		},
		make: (*Appliance).newHTTP,
	},
	{
		name: "socks", title: "SOCKS proxy", key: "proxies.socks.listen",
		address:  func(c ProxyConfig) string { return c.SOCKS },
		settings: func(c ProxyConfig) any { return shared(c) },
		make:     (*Appliance).newSOCKS,
	},
}

func (a *Appliance) newHTTP(c ProxyConfig, o *outlet) (proxyServer, error) {
	cfg := httpproxy.DefaultConfig()
	cfg.Name, cfg.Policy, cfg.Isolation, cfg.Auth = "http", a.policy, c.Isolation, c.Auth
	set(&cfg.DialTimeout, c.DialTimeout)
	set(&cfg.TunnelIdle, c.IdleTimeout)
	if c.AddressHelper {
		cfg.Book = book{a}
	}
	cfg.Jump = nil
	for _, url := range c.Jump {
		j, err := httpproxy.ParseJump(url)
		if err != nil {
			return nil, err
		}
		cfg.Jump = append(cfg.Jump, j)
	}
	users, err := openUsers(c.Users)
	if err != nil {
		return nil, err
	}
	cfg.Users = users
	return httpproxy.New(cfg, o, o, a.log)
}

func (a *Appliance) newSOCKS(c ProxyConfig, o *outlet) (proxyServer, error) {
	cfg := socks.DefaultConfig()
	cfg.Name, cfg.Policy, cfg.Isolation, cfg.Packets = "socks", a.policy, c.Isolation, o
	set(&cfg.DialTimeout, c.DialTimeout)
	set(&cfg.Idle, c.IdleTimeout)
	users, err := openUsers(c.Users)
	if err != nil {
		return nil, err
	}
	cfg.Users = users
	return socks.New(cfg, o, o, a.log)
}

func openUsers(path string) (proxies.Accounts, error) {
	if path == "" {
		return nil, nil
	}
	f, err := proxies.OpenUsersFile(path)
	if err != nil {
		return nil, err // not a nil *UsersFile in an interface
	}
	return f, nil
}

func set(d *time.Duration, to time.Duration) {
	if to != 0 {
		*d = to
	}
}

// A proxy is one that listens, or serves.
type proxy struct {
	kind     proxyKind
	config   ProxyConfig
	listener net.Listener
	server   proxyServer
	stop     context.CancelFunc
	ended    chan struct{}
}

// bind takes the address, so that a port in use is told before anything changes.
func (k proxyKind) bind(c ProxyConfig) (*proxy, error) {
	address := k.address(c)
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; is another router running? Choose another address with %s", k.title, err, k.key)
	}
	return &proxy{kind: k, config: c, listener: l}, nil
}

// own is the destination of a proxy for those who are told apart by nothing else: a web site cannot tell that the same user is
// on IRC.
func (a *Appliance) own(p *proxy) (*router.Destination, error) {
	return a.destinations.pin(p.config.Isolation.Key(p.kind.name, proxies.Credentials{}, "", proxies.Shape{}))
}

// startProxy serves until ctx ends or stop is called.
func (a *Appliance) startProxy(ctx context.Context, p *proxy) error {
	own, err := a.own(p)
	if err != nil {
		return err
	}
	if p.server, err = p.kind.make(a, p.config, &outlet{a, p.kind.name, own}); err != nil {
		return fmt.Errorf("%s: %w", p.kind.title, err)
	}
	ctx, p.stop = context.WithCancel(ctx)
	p.ended = make(chan struct{})
	a.background.Go(func() {
		defer close(p.ended)
		if err := p.server.Serve(ctx, p.listener); err != nil && ctx.Err() == nil {
			a.fail(fmt.Errorf("%s: %w", p.kind.title, err))
		}
	})
	return nil
}

// close ends a proxy and its connections.
func (p *proxy) close() error {
	if p.stop == nil {
		return p.listener.Close()
	}
	p.stop()
	<-p.ended
	return nil
}

// replaceProxy makes the proxy of a kind as the configuration says. If that fails, the old one goes on, unless it had to end
// because the new one has its address.
func (a *Appliance) replaceProxy(ctx context.Context, k proxyKind, c ProxyConfig) error {
	a.mu.Lock()
	old := a.proxies[k.name]
	a.mu.Unlock()
	sameAddress := old != nil && k.address(old.config) == k.address(c)
	var errs []error
	if sameAddress {
		if _, err := openUsers(c.Users); err != nil { // while the old one is still there
			return err
		}
		errs = append(errs, old.close())
	}
	var next *proxy
	if k.address(c) != "" {
		p, err := k.bind(c)
		if err != nil {
			return err
		}
		if err := a.startProxy(ctx, p); err != nil {
			return errors.Join(err, p.close())
		}
		next = p
	}
	a.mu.Lock()
	if next == nil {
		delete(a.proxies, k.name)
	} else {
		a.proxies[k.name] = next
	}
	a.mu.Unlock()
	if old != nil && !sameAddress {
		errs = append(errs, old.close())
	}
	return errors.Join(errs...)
}

// address of a proxy that listens, or nothing.
func (a *Appliance) address(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.proxies[name]; p != nil {
		return p.listener.Addr().String()
	}
	return ""
}
