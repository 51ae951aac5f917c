package http

import (
	"errors"
	nethttp "net/http"

	"clove.i2p/proxies"
)

// failurePage says what went wrong and what to do about it.
func failurePage(err error, host, method string) *page {
	p := failure(err, method)
	p.Host = host
	return p
}

func failure(err error, method string) *page {
	switch proxies.Classify(err) {
	case proxies.ReasonBadRequest:
		return &page{
			status: nethttp.StatusBadRequest, proxy: "http_request_error", Title: "This address cannot be right",
			Lead: "The proxy takes http:// addresses whose host is a name that ends in .i2p.",
			Advice: []string{
				"Check the address for typing errors, spaces and a dot at its end.",
				"A .b32.i2p name has 52 characters (or at least 56) before .b32.i2p, from a to z and 2 to 7.",
				"Most sites in I2P have no https; the network encrypts. Try http:// instead.",
			},
		}
	case proxies.ReasonRefused:
		return refusedPage(err)
	case proxies.ReasonUnknownHost:
		return &page{
			status: nethttp.StatusBadGateway, proxy: "dns_error", Title: "Unknown I2P name",
			Lead: "No address book here has this name. Names in I2P are not looked up at a central place: each router " +
				"knows those of the address books that it subscribed to.",
			Advice: []string{
				"Check the spelling.",
				"Ask whoever gave you the name for its .b32.i2p address, which always works.",
				"Subscribe to another address book. A router that has just been set up fetches its first one after " +
					"some minutes.",
			},
		}
	case proxies.ReasonNoLeaseSet:
		return &page{
			status: nethttp.StatusGatewayTimeout, proxy: "destination_unavailable", Title: "The site is offline",
			Lead: "The site's LeaseSet was not found. A site publishes one while it is online, so that others can " +
				"reach it.",
			Advice: []string{
				"Try again in some minutes.", "Other sites are not affected.",
			},
		}
	case proxies.ReasonNoAnswer, proxies.ReasonTimeout:
		return &page{
			status: nethttp.StatusGatewayTimeout, proxy: "connection_timeout", Title: "The site did not answer",
			Lead: "The site is known and has been online recently, but no valid answer came from it.",
			Advice: []string{
				"Try again: a tunnel on the way may have failed, and the next one is another.",
				"If other sites do not answer either, your router may be short of tunnels: see http://proxy.i2p/.",
			},
		}
	case proxies.ReasonNotReady:
		return notReadyPage(err, method)
	}
	return internalPage()
}

func notReadyPage(err error, method string) *page {
	p := &page{
		status: nethttp.StatusServiceUnavailable, proxy: "proxy_internal_error", Title: "Still connecting to I2P",
		Lead: "The router is building its first tunnels. That takes some minutes after the first start and less " +
			"later on.",
	}
	if p.reload = method == nethttp.MethodGet; p.reload {
		p.Advice = []string{"This page reloads itself and shows the site as soon as it can."}
	} else {
		p.Advice = []string{"Nothing was sent. Send it again in a while."}
	}
	var n *proxies.NotReadyError
	if errors.As(err, &n) {
		p.Progress = n.Progress
	}
	return p
}

func refusedPage(err error) *page {
	p := &page{
		status: nethttp.StatusForbidden, proxy: "http_request_denied", Title: "Not an I2P address",
		Lead: "Only names that end in .i2p are fetched. Nothing was sent, and no name server was asked.",
		Advice: []string{
			"To browse the web outside of I2P use another browser or profile without this proxy.",
			"If you did not ask for this address, a page did: it may have tried to find out who you are.",
		},
	}
	var refused *proxies.RefusedError
	if !errors.As(err, &refused) {
		p.Title, p.Lead, p.Advice = "Not allowed", "The settings of the proxy do not allow this.", nil
		return p
	}
	switch refused.Why {
	case proxies.LocalHost:
		p.Title = "Not through I2P"
		p.Lead = "This address is on your own computer or in your own network. Pages from I2P must not reach it, so " +
			"it is refused here."
		p.Advice = []string{
			"To open it yourself use another browser or profile without this proxy.",
			"If you did not ask for it, a page did: it may have tried to reach something in your network.",
		}
	case proxies.IPv4Address, proxies.IPv6Address:
		p.Lead = "I2P has no IP addresses. Nothing was sent."
	}
	return p
}

func authenticatePage() *page {
	return &page{
		status: nethttp.StatusProxyAuthRequired, proxy: "http_request_denied", Title: "Who are you?",
		Lead:   "This proxy asks for a user name and a password.",
		header: [2]string{"Proxy-Authenticate", `Basic realm="clove"`},
	}
}

func internalPage() *page {
	return &page{
		status: nethttp.StatusBadGateway, proxy: "proxy_internal_error", Title: "The request failed",
		Lead: "It failed for a reason that has no page of its own.", Advice: []string{"Try again."},
	}
}
