package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// forgeable tells the headers by which web servers, and what runs behind them, know a visitor; and Proxy, which CGI programs take
// for a setting. CGI does not tell "_" from "-".
func forgeable(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for _, prefix := range []string{"x-i2p-", "x-forwarded", "x-original-", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip", "remote-", "x-clove-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "forwarded", "via", "proxy", "client-ip", "x-host", "x-rewrite-url":
		return true
	}
	return false
}

// cleanRequest removes what a visitor must not say.
func cleanRequest(h http.Header) {
	for name := range h {
		if forgeable(name) {
			delete(h, name)
		}
	}
	if offersGzip(h) {
		delete(h, "X-Accept-Encoding")
	}
}

// telling are headers of answers that tell about this machine and its clock, or that send a browser out of I2P on its own.
var telling = []string{
	"Date", "Server", "X-Powered-By", "X-Runtime", "Proxy", "Via", "X-Aspnet-Version", "X-Aspnetmvc-Version", "X-Generator", "X-Served-By",
	"X-Backend-Server", "X-Cache", "X-Cache-Lookup", "X-Varnish", "Alt-Svc", "Nel", "Report-To", "Reporting-Endpoints", "Expect-Ct",
	"Public-Key-Pins", "Strict-Transport-Security",
}

// cleanAnswer removes them, and makes links to the local server relative.
func cleanAnswer(h http.Header, local string) {
	for _, name := range telling {
		h.Del(name)
	}
	for name := range h {
		if strings.HasPrefix(name, "Proxy-") {
			delete(h, name)
		}
	}
	for _, name := range []string{"Location", "Content-Location"} {
		u, err := url.Parse(h.Get(name))
		if err != nil || local == "" || !strings.EqualFold(u.Host, local) {
			continue
		}
		u.Scheme, u.Host, u.User = "", "", nil
		if u.Path == "" {
			u.Path = "/"
		}
		h.Set(name, u.String())
	}
}

// fromInproxy tells whether a request came from the web, through a proxy into I2P that says so.
func fromInproxy(h http.Header) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Server", "X-Forwarded-Host", "Forwarded"} {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}

// fromOtherSite tells whether a request follows a link of another site. Java's client sends no such Referer; i2pd's sends that of
// the same site in full.
func fromOtherSite(r *http.Request) bool {
	u, err := url.Parse(r.Header.Get("Referer"))
	if err != nil {
		return true
	}
	return (u.Scheme == "http" || u.Scheme == "https") && !strings.EqualFold(u.Host, r.Host)
}

// rejectedAgent tells whether a browser is of a kind that is not wanted. What I2P's proxies send in its place is always welcome.
func rejectedAgent(agent string, list []string) bool {
	if strings.HasPrefix(agent, "MYOB") {
		return false
	}
	for _, part := range list {
		if agent == "" && part == "none" || agent != "" && part != "" && strings.Contains(agent, part) {
			return true
		}
	}
	return false
}

// offersGzip tells whether the client's proxy takes x-i2p-gzip: X-Accept-Encoding lists it, and not with q=0.
func offersGzip(h http.Header) bool {
	for _, value := range h["X-Accept-Encoding"] {
		for part := range strings.SplitSeq(value, ",") {
			name, parameters, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(name), "x-i2p-gzip") {
				continue
			}
			_, q, given := strings.Cut(parameters, "q=")
			weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return !given || err == nil && weight > 0
		}
	}
	return false
}
