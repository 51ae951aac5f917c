package http

import (
	"net"
	nethttp "net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// What Java I2P and i2pd send: one for all users. Sites outside of I2P see a browser that is common there.
const (
	userAgent         = "MYOB/6.66 (AN/ON)"
	outproxyUserAgent = "Mozilla/5.0 (Windows NT 10.0; rv:109.0) Gecko/20100101 Firefox/115.0"
)

// droppedRequest tell browsers, users or networks apart, or are for the proxy.
var droppedRequest = set(
	"Keep-Alive", "Te", "Trailer", "Upgrade", "Http2-Settings", // of this connection
	"Via", "Forwarded", "From", "X-Real-Ip", "True-Client-Ip", "Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
	"X-Originating-Ip", "X-Remote-Ip", "X-Remote-Addr", "X-Uidh", "X-Wap-Profile", // who and where
	"Dnt", "Sec-Gpc", "Priority", "Save-Data", "Early-Data", "Upgrade-Insecure-Requests", "Alt-Used",
	"Purpose", "X-Moz", "Device-Memory", "Dpr", "Width", "Viewport-Width", "Rtt", "Downlink", "Ect",
	"Content-Dpr", "Viewport-Height", "Available-Dictionary", "Dictionary-Id", "Cookie2", "Service-Worker-Navigation-Preload",
	"Ping-From", "Ping-To", // whole addresses of other sites' pages: what Referer must not tell
	"X-Client-Data", "Msisdn", "X-Msisdn", "X-Att-Deviceid", "X-Nokia-Ip", "X-Proxyuser-Ip", "Fastly-Client-Ip",
	"X-Accept-Encoding", // the proxy's own, see gzip.go
)

var droppedRequestPrefixes = []string{"Proxy-", "X-Forwarded", "Sec-", "Cf-", "X-I2p-", "X-Chrome-", "Attribution-Reporting-"}

// keptRequest are what websockets need. Sec-WebSocket-Extensions is not: each browser has its own list.
var keptRequest = set("Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Protocol")

// droppedResponse lead the browser elsewhere, make it report elsewhere, or are of this connection.
var droppedResponse = set(
	"Keep-Alive", "Upgrade", "Alt-Svc", "Nel", "Report-To", "Reporting-Endpoints", "Expect-Ct", "Via",
)

// cleanRequest changes the headers of a request to http://authority, inside or outside of I2P. It returns whether Origin is that
// same site's: then it has to name the site as the server knows it.
func cleanRequest(h nethttp.Header, authority, agent string) (sameOrigin bool) {
	websocket := isWebsocket(h)
	removeNamed(h)
	for name := range h {
		if droppedRequest[name] || hasPrefix(name, droppedRequestPrefixes) && !keptRequest[name] ||
			strings.HasPrefix(name, "Accept-") && name != "Accept-Encoding" {
			delete(h, name)
		}
	}
	delete(h, "Connection")
	if websocket {
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
	}
	h.Set("User-Agent", agent)
	plainEncoding(h)
	if accept := h.Values("Accept"); len(accept) > 0 {
		h.Set("Accept", plainAccept(strings.Join(accept, ",")))
	}
	if !strings.Contains(h.Get("X-Requested-With"), "HttpRequest") {
		h.Del("X-Requested-With") // the package name of an Android WebView's app
	}
	scheme, _, _ := strings.Cut(h.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "NTLM") || strings.EqualFold(scheme, "Negotiate") {
		h.Del("Authorization") // host and domain of a Windows machine
	}
	cleanReferer(h, authority)
	return cleanOrigin(h, authority)
}

// plainEncoding leaves what all programs have: what else is in the list tells which one it is.
func plainEncoding(h nethttp.Header) {
	lists := h.Values("Accept-Encoding")
	if !hasToken(lists, "gzip") {
		return // nothing, or one that means something: identity, gzip;q=0
	}
	list := "gzip"
	if hasToken(lists, "deflate") {
		list = "gzip, deflate"
	}
	h.Set("Accept-Encoding", list)
}

// plainAccept sends one list for each kind of request instead of each browser's own.
func plainAccept(accept string) string {
	html, image, css := 0, 0, 0
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		switch {
		case kind == "text/html":
			html++
		case kind == "text/css":
			css++
		case strings.HasPrefix(kind, "image/"):
			image++
		case kind == "*/*" || kind == "application/xhtml+xml" || kind == "application/xml" ||
			kind == "application/signed-exchange" || kind == "":
		default:
			return accept
		}
	}
	switch {
	case html > 0 && css == 0:
		return "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	case image > 0 && html+css == 0:
		return "image/webp,image/apng,image/*,*/*;q=0.8"
	case css > 0 && html+image == 0:
		return "text/css,*/*;q=0.1"
	}
	return accept
}

// cleanReferer keeps that of the same site, without the site. Java's server tunnels refuse absolute ones.
func cleanReferer(h nethttp.Header, authority string) {
	referer := h.Get("Referer")
	h.Del("Referer")
	u, err := url.Parse(referer)
	switch {
	case err != nil || referer == "" || u.Opaque != "":
	case !u.IsAbs() && u.Host == "":
		u.Fragment, u.RawFragment = "", ""
		h.Set("Referer", u.String())
	case u.Scheme == "http" && authorityOf(u.Host, 80) == authority:
		h.Set("Referer", u.RequestURI())
	}
}

// cleanOrigin hides the site that another site's page is from, as browsers themselves do with "null".
func cleanOrigin(h nethttp.Header, authority string) (same bool) {
	origin := h.Get("Origin")
	if origin == "" {
		h.Del("Origin")
		return false
	}
	u, err := url.Parse(origin)
	same = err == nil && u.Scheme == "http" && authorityOf(u.Host, 80) == authority
	h.Set("Origin", "null")
	return same
}

// cleanResponse changes the headers of what a server answered. The server calls itself canonical, the browser knows
// it as authority.
func cleanResponse(h nethttp.Header, status int, canonical, authority string) {
	upgraded := status == nethttp.StatusSwitchingProtocols
	if !upgraded {
		removeNamed(h)
		delete(h, "Connection")
	}
	for name := range h {
		if droppedResponse[name] && (!upgraded || name != "Upgrade") || strings.HasPrefix(name, "Proxy-") {
			delete(h, name)
		}
	}
	for _, name := range []string{"Location", "Content-Location"} {
		if u, err := url.Parse(h.Get(name)); err == nil && u.Scheme == "http" && authorityOf(u.Host, 80) == canonical {
			u.Host = authority
			h.Set(name, u.String())
		}
	}
}

// removeNamed deletes the headers that Connection names.
func removeNamed(h nethttp.Header) {
	for _, list := range h.Values("Connection") {
		for name := range strings.SplitSeq(list, ",") {
			if name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)); !hasPrefix(name, []string{"Sec-"}) {
				delete(h, name)
			}
		}
	}
}

// isWebsocket is the only upgrade that passes.
func isWebsocket(h nethttp.Header) bool {
	return hasToken(h.Values("Connection"), "upgrade") && hasToken(h.Values("Upgrade"), "websocket")
}

func hasToken(lists []string, token string) bool {
	for _, list := range lists {
		for t := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// authorityOf is a URL's host in lower case, without the port if that is the scheme's.
func authorityOf(host string, byDefault int) string {
	if name, port, err := net.SplitHostPort(host); err == nil && (port == "" || port == strconv.Itoa(byDefault)) {
		host = name
	}
	return strings.ToLower(host)
}

func hasPrefix(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[name] = true
	}
	return m
}
