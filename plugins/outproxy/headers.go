package main

import (
	"net/http"
	"strings"
)

// telling tells the headers of a request that say where it came from. What belongs to one connection only, ReverseProxy removes.
func telling(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for _, prefix := range []string{"x-i2p-", "x-forwarded", "x-original-", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-clove-", "proxy", "x-accept-encoding"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "forwarded", "via", "client-ip", "true-client-ip", "from":
		return true
	}
	return false
}

func cleanRequest(h http.Header) {
	for name := range h {
		if telling(name) {
			delete(h, name)
		}
	}
	if h.Get("User-Agent") == "" {
		h["User-Agent"] = []string{""} // else net/http says its own
	}
}

// cleanAnswer removes what an answer tells about the proxies on its way. A Proxy-Status of the site's own would be taken for
// ours.
func cleanAnswer(h http.Header) {
	for name := range h {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "proxy-") || strings.HasPrefix(lower, "x-squid-") {
			delete(h, name)
		}
	}
	for _, name := range []string{"Via", "X-Cache", "X-Cache-Lookup", "Cache-Status", "Alt-Svc"} {
		h.Del(name)
	}
	if _, ok := h["Date"]; !ok {
		h["Date"] = nil
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil
	}
}
