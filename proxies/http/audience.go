package http

import (
	nethttp "net/http"
	"net/netip"
	"net/url"
	"strings"

	"clove.i2p/proxies"
)

// Pages appear under the names of sites, whose scripts can read what comes from there, and any page can make the browser ask
// for http://proxy.i2p/. So what the proxy says itself goes to people only.
//
// Browsers send Sec-Fetch-* to hosts that they trust, which http:// sites other than 127.0.0.1 are not: mostly there is only
// Accept and Referer to go by.

// ownOrigin is that of the proxy's own pages.
const ownOrigin = "http://" + proxies.SelfHost

// navigates tells whether somebody will look at the answer: it opens in a tab or a terminal. Scripts, images and style
// sheets get the status only.
func navigates(h nethttp.Header) bool {
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	if strings.Contains(h.Get("Accept"), "text/html") {
		return true
	}
	return !strings.HasPrefix(h.Get("User-Agent"), "Mozilla/") // which curl and wget are not, and all browsers are
}

// foreign tells that another site's page made this request to one of the proxy's own pages, other than by a link that the
// user followed.
func foreign(r *nethttp.Request) bool {
	h := r.Header
	if !ownOriginOnly(h) {
		return true
	}
	switch site := h.Get("Sec-Fetch-Site"); site {
	case "", "same-origin", "none":
	default:
		return h.Get("Sec-Fetch-Mode") != "navigate" || h.Get("Sec-Fetch-Dest") != "document" || r.Method != nethttp.MethodGet
	}
	return !navigates(h)
}

// ownOriginOnly is false if Origin names another site.
func ownOriginOnly(h nethttp.Header) bool {
	origin := h.Get("Origin")
	return origin == "" || origin == ownOrigin
}

// embedded tells that another site's page loads this as a part of itself.
func embedded(h nethttp.Header) bool {
	switch h.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return true
	}
	if referer := h.Get("Referer"); referer != "" {
		u, err := url.Parse(referer)
		return err != nil || u.Scheme+"://"+authorityOf(u.Host, 80) != ownOrigin
	}
	return !ownOriginOnly(h)
}

// forwarded tells that somebody else's server passed this on: an inproxy, or a server tunnel that leads here by mistake.
// The proxy's own pages are for those who use it.
func forwarded(h nethttp.Header) bool {
	for _, name := range []string{
		"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Server", "X-Real-Ip", "X-I2p-Desthash", "X-I2p-Destb32",
	} {
		if len(h.Values(name)) > 0 {
			return true
		}
	}
	return false
}

// isLocalName tells whether a Host header is one that only a user types: an address, or localhost. Any other name may be
// of a site that had its name lead to this computer, to read what is here as if it were its own.
func isLocalName(host string) bool {
	name, _, err := proxies.SplitHostPort(host, 80)
	if err != nil {
		return false
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return strings.EqualFold(name, "localhost")
}
