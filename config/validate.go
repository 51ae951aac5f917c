package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"clove.i2p/router/upstream"
)

// Validate reports all values that are impossible, as Errors.
func (c Config) Validate() error { return c.problems().err() }

func (c Config) problems() (errs Errors) {
	errs.check("data_dir", notEmpty(c.DataDir))
	errs.check("log.level", oneOf(c.Log.Level, "debug", "info", "warn", "error"))
	errs.check("log.format", oneOf(c.Log.Format, "text", "json"))
	c.Router.problems(&errs)
	c.Proxies.problems(&errs)
	errs.check("proxies.rules", c.checkRules())
	for _, name := range slices.Sorted(maps.Keys(c.Plugins)) {
		errs.check("plugins."+name, CheckName(name))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
		errs.check("tunnels."+name, CheckName(name))
		if t, ok := c.Tunnels[name]["type"].(string); !ok || t == "" {
			errs.check("tunnels."+name+".type", errors.New("is missing: what kind of tunnel; clove plugin list shows the types"))
		}
	}
	return errs
}

// check takes down what is wrong with a key, if anything is.
func (e *Errors) check(key string, err error) {
	if err != nil {
		*e = append(*e, &Error{Key: key, Err: err})
	}
}

func (r Router) problems(errs *Errors) {
	errs.check("router.network_id", between(r.NetworkID, 1, 255))
	if r.AllowPrivatePeers && r.NetworkID == PublicNetworkID {
		errs.check("router.allow_private_peers", fmt.Errorf("not on network %d, the public one: set router.network_id to another number", PublicNetworkID))
	}
	errs.check("router.bandwidth.share", between(r.Bandwidth.Share, 0, 100))
	r.linkProblems(errs)
	for _, u := range r.Reseed.URLs {
		errs.check("router.reseed.urls", httpsURL(u))
	}
	for _, f := range r.Reseed.Files {
		errs.check("router.reseed.files", notEmpty(f))
	}
	errs.check("router.tunnels.length", between(r.Tunnels.Length, 0, maxTunnelLength))
	errs.check("router.tunnels.quantity", between(r.Tunnels.Quantity, 1, maxTunnelQuantity))
}

// linkProblems are those of how the router connects to others.
func (r Router) linkProblems(errs *Errors) {
	errs.check("router.ntcp2.listen", listenIP(r.NTCP2.Listen))
	errs.check("router.ntcp2.advertise", advertise(r.NTCP2.Advertise))
	if r.SSU2.Listen != "" {
		errs.check("router.ssu2.listen", listenIP(r.SSU2.Listen))
	}
	if r.NTCP2.Enabled {
		errs.check("router.ntcp2.listen", r.inUse(r.NTCP2.Listen))
	}
	if r.SSU2.Enabled && r.Upstream == "" {
		errs.check("router.ssu2.listen", r.inUse(r.SSU2.Listen))
	}
	errs.check("router.ssu2.advertise", advertise(r.SSU2.Advertise))
	errs.check("router.ssu2.batching", oneOf(r.SSU2.Batching, "auto", "batched", "plain"))
	errs.check("router.post_quantum", postQuantum(r.PostQuantum))
	if r.Upstream != "" {
		_, err := upstream.New(r.Upstream)
		errs.check("router.upstream", err)
	}
	switch {
	case !r.IPv4 && !r.IPv6:
		errs.check("router.ipv4", errors.New("and router.ipv6 are both off: nothing is left to connect with"))
	case !r.NTCP2.Enabled && !r.SSU2.Enabled:
		errs.check("router.ntcp2.enabled", errors.New("and router.ssu2.enabled are both off: nothing is left to connect with"))
	case r.Upstream != "" && !r.NTCP2.Enabled:
		errs.check("router.upstream", errors.New("needs router.ntcp2.enabled: SSU2 does not go through a proxy"))
	}
}

func (p Proxies) problems(errs *Errors) {
	errs.check("proxies.http.listen", listen(p.HTTP.Listen))
	errs.check("proxies.socks.listen", listen(p.SOCKS.Listen))
	errs.check("proxies.http.auth", oneOf(p.HTTP.Auth, "", "basic", "digest"))
	if p.HTTP.Auth != "" && p.UsersFile == "" {
		errs.check("proxies.http.auth", errors.New("needs proxies.users_file"))
	}
	for _, u := range p.HTTP.Jump {
		errs.check("proxies.http.jump", i2pURL(u))
	}
	for _, by := range p.Isolation.By {
		errs.check("proxies.isolation.by", oneOf(by, "listener", "user", "site"))
	}
	errs.check("proxies.isolation.destinations", between(p.Isolation.Destinations, 1, maxDestinations))
	errs.check("proxies.isolation.prewarm", between(p.Isolation.Prewarm, 0, maxPrewarm))
	errs.check("proxies.isolation.idle", longEnough(p.Isolation.Idle))
	errs.check("proxies.dial_timeout", longEnough(p.DialTimeout))
	errs.check("proxies.idle_timeout", longEnough(p.IdleTimeout))
}

func longEnough(d time.Duration) error {
	if d < minTimeout {
		return fmt.Errorf("%v is less than %v", d, minTimeout)
	}
	return nil
}

func notEmpty(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("is empty")
	}
	return nil
}

func oneOf(s string, values ...string) error {
	if slices.Contains(values, s) {
		return nil
	}
	return fmt.Errorf("want one of %s, not %q", strings.Join(values, ", "), s)
}

func between(n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("want %d to %d, not %d", low, high, n)
	}
	return nil
}

// listenIP checks IP:port or :port; a transport publishes what it listens on, so it takes no names.
func listenIP(s string) error {
	host, err := hostPort(s)
	if err == nil && host != "" {
		_, err = netip.ParseAddr(host)
	}
	if err != nil {
		return fmt.Errorf("want IP:port or :port, not %q", s)
	}
	return nil
}

// listen checks host:port; empty is none.
func listen(s string) error {
	if s == "" {
		return nil
	}
	if _, err := hostPort(s); err != nil {
		return fmt.Errorf("want host:port, or nothing to switch it off, not %q", s)
	}
	return nil
}

func hostPort(s string) (host string, err error) {
	host, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	return host, err
}

// advertise checks IP or IP:port; empty is none.
func advertise(s string) error {
	if s == "" {
		return nil
	}
	ip, err := netip.ParseAddr(s)
	if err != nil {
		var at netip.AddrPort
		if at, err = netip.ParseAddrPort(s); err != nil {
			return fmt.Errorf("want IP or IP:port, not %q", s)
		}
		ip = at.Addr()
	}
	if ip.IsUnspecified() || ip.IsMulticast() || ip.Zone() != "" {
		return fmt.Errorf("want the address at which others reach this router, not %q; empty lets clove find it out", s)
	}
	return nil
}

// inUse refuses the address of an IP version that is off.
func (r Router) inUse(listen string) error {
	at, err := netip.ParseAddrPort(listen)
	if v4 := at.Addr().Unmap().Is4(); err == nil && r.IPv4 != r.IPv6 && v4 != r.IPv4 {
		return fmt.Errorf("%s is of an IP version that router.ipv4 or router.ipv6 switches off", at.Addr())
	}
	return nil
}

func postQuantum(list []string) error {
	for i, s := range list {
		if err := oneOf(s, "mlkem512", "mlkem768", "mlkem1024"); err != nil {
			return err
		}
		if slices.Contains(list[:i], s) {
			return fmt.Errorf("%s is there twice", s)
		}
	}
	return nil
}

// i2pURL checks the address of a jump service.
func i2pURL(s string) error {
	if u, err := url.Parse(s); err != nil || u.Scheme != "http" || !strings.HasSuffix(u.Host, ".i2p") {
		return fmt.Errorf("want an http:// URL of an .i2p site, not %q", s)
	}
	return nil
}

func httpsURL(s string) error {
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("want an https:// URL, not %q", s)
	}
	return nil
}

// loopback reports whether only this machine reaches an address that listen took.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
