package http

import (
	"fmt"
	nethttp "net/http"
	"strconv"
	"strings"

	"clove.i2p/proxies"
)

// startPage is http://proxy.i2p/: how the proxy is set, and how to set up browsers. It names no user, no rule and no host.
func (s *Server) startPage(r *nethttp.Request) *page {
	p := s.withState(&page{
		status: nethttp.StatusOK, Title: "The HTTP proxy works", own: true,
		Lead: "Your browser reaches clove's HTTP proxy.",
	})
	stats := s.Stats()
	address := "127.0.0.1:4444"
	if a, err := listenerOf(r); err == nil {
		address = a.String()
	}
	p.Facts = append([]fact{{"Address", address}}, s.settings()...)
	for _, f := range []struct {
		name  string
		value uint64
	}{
		{"Open connections", uint64(max(stats.Active, 0))},
		{"Requests", stats.Requests},
		{"Bytes sent", stats.Sent},
		{"Bytes received", stats.Received},
	} {
		p.Facts = append(p.Facts, fact{f.name, strconv.FormatUint(f.value, 10)})
	}
	p.Links = []link{{"proxy.pac, the automatic configuration for this proxy", ownOrigin + pacPath}}
	p.Sections = setup(address)
	return p
}

// settings say what this listener does.
func (s *Server) settings() []fact {
	isolation := []string{}
	for _, by := range []struct {
		name string
		on   bool
	}{{"listener", s.cfg.Isolation.Listener}, {"user", s.cfg.Isolation.User}, {"site", s.cfg.Isolation.Site}} {
		if by.on {
			isolation = append(isolation, by.name)
		}
	}
	sign, helpers, compression := "not needed; credentials keep streams apart", "left alone", "off"
	if s.guard.Required() {
		sign = "needed (" + s.auth() + ")"
	}
	if s.cfg.Book != nil {
		helpers = "followed after you confirm"
	}
	if s.cfg.Gzip {
		compression = gzipName
	}
	outside := "blocked"
	for _, rule := range s.policy.Rules().List() {
		if rule.Action == proxies.ToOutproxy {
			outside = "blocked, but for what your rules send to an outproxy (clove rules explain URL)"
			break
		}
	}
	separate := "none: all streams leave from one destination"
	if len(isolation) > 0 {
		separate = "by " + strings.Join(isolation, ", ")
	}
	return []fact{
		{"User name", sign},
		{"Outside of I2P", outside},
		{"Isolation", separate},
		{"Address helpers", helpers},
		{"Jump services", strconv.Itoa(len(s.cfg.Jump))},
		{"Compression", compression},
	}
}

func (s *Server) auth() string {
	if s.cfg.Auth == AuthDigest {
		return AuthDigest
	}
	return AuthBasic
}

// setup is what was found out by trying: which settings leave no way around the proxy.
func setup(address string) []section {
	host, port, _ := strings.Cut(address, ":")
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		host, port = address[:i], address[i+1:]
	}
	return []section{
		{
			Title: "Set up a browser",
			Text: "Use a profile of its own, with this proxy for everything. A browser that fetches a part of a page past the " +
				"proxy tells whoever wrote the page who you are.",
		},
		{
			Title: "Chromium",
			Text:  "The bypass list is what makes addresses of your own computer go through the proxy, which refuses them.",
			Code: fmt.Sprintf("chromium --user-data-dir=$HOME/.i2p-browser \\\n  --proxy-server=http://%s \\\n  --proxy-bypass-list=\"<-loopback>\" \\\n"+
				"  --host-resolver-rules=\"MAP * ~NOTFOUND , EXCLUDE %s\" \\\n  --force-webrtc-ip-handling-policy=disable_non_proxied_udp \\\n"+
				"  --disable-background-networking --disable-component-update --disable-sync --no-pings --no-first-run", address, host),
		},
		{
			Title: "Firefox",
			Text:  "In the folder of a new profile write a file user.js with these lines.",
			Code: strings.Join([]string{
				`user_pref("network.proxy.type", 1);`,
				`user_pref("network.proxy.http", "` + strings.Trim(host, "[]") + `");`,
				`user_pref("network.proxy.http_port", ` + port + `);`,
				`user_pref("network.proxy.ssl", "` + strings.Trim(host, "[]") + `");`,
				`user_pref("network.proxy.ssl_port", ` + port + `);`,
				`user_pref("network.proxy.no_proxies_on", "");`,
				`user_pref("network.proxy.allow_hijacking_localhost", true);`,
				`user_pref("network.proxy.allow_bypass", false);`,
				`user_pref("network.proxy.failover_direct", false);`,
				`user_pref("media.peerconnection.enabled", false);`,
				`user_pref("network.dns.disablePrefetch", true);`,
				`user_pref("network.prefetch-next", false);`,
				`user_pref("network.predictor.enabled", false);`,
				`user_pref("network.http.speculative-parallel-limit", 0);`,
				`user_pref("network.trr.mode", 5);`,
				`user_pref("network.captive-portal-service.enabled", false);`,
				`user_pref("network.connectivity-service.enabled", false);`,
				`user_pref("browser.fixup.domainsuffixwhitelist.i2p", true);`,
				`user_pref("keyword.enabled", false);`,
				`user_pref("dom.security.https_first", false);`,
				`user_pref("dom.security.https_only_mode", false);`,
				`user_pref("security.OCSP.enabled", 0);`,
				`user_pref("network.http.http3.enable", false);`,
			}, "\n"),
		},
		{
			Title: "Automatic configuration",
			Text: "http://" + address + pacPath + " sends everything to this proxy and nothing past it. It is the convenient way, and the " +
				"weaker one:",
			Items: []string{
				"Browsers do not ask the file about addresses of your own computer, so pages can try those.",
				"A browser that starts faster than it loads the file may ask a name server for the first name.",
				"While clove does not run, a browser that cannot load the file may connect directly.",
			},
		},
	}
}
