package http

import (
	"errors"
	nethttp "net/http"
	"strconv"
	"strings"

	"clove.i2p/proxies"
)

// failed is a request that got no stream, or no answer.
type failed struct {
	err    error
	host   string // as the client gave it
	port   int
	method string
	// decision of the policy, if it came that far. jumps are for unknown names.
	decision proxies.Decision
	jumps    []link
}

// page says what went wrong and what to do about it.
func (f failed) page() *page {
	p := f.reason()
	p.Host = f.host
	return p
}

func (f failed) reason() *page {
	reason := proxies.Classify(f.err)
	switch reason {
	case proxies.ReasonBadRequest:
		return &page{
			status: nethttp.StatusBadRequest, proxy: "http_request_error", Title: "This address cannot be right",
			Lead: "The proxy takes http:// addresses whose host is a valid name, and the names of I2P end in .i2p.",
			Advice: []string{
				"Check the address for typing errors, spaces and a dot at its end.",
				"A .b32.i2p name has 52 characters (or at least 56) before .b32.i2p, from a to z and 2 to 7.",
				"Most sites in I2P have no https; the network encrypts. Try http:// instead.",
			},
		}
	case proxies.ReasonRefused:
		return f.refused()
	case proxies.ReasonUnknownHost:
		return f.unknownHost()
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
		if f.decision.Via != "" {
			return f.outproxy(reason)
		}
		return &page{
			status: nethttp.StatusGatewayTimeout, proxy: "connection_timeout", Title: "The site did not answer",
			Lead: "The site is known and has been online recently, but no valid answer came from it.",
			Advice: []string{
				"Try again: a tunnel on the way may have failed, and the next one is another.",
				"If other sites do not answer either, your router may be short of tunnels: see http://proxy.i2p/.",
			},
		}
	case proxies.ReasonNotReady:
		return f.notReady()
	}
	if p := f.outproxy(reason); p != nil {
		return p
	}
	return internalPage()
}

func (f failed) unknownHost() *page {
	p := &page{
		status: nethttp.StatusBadGateway, proxy: "dns_error", Title: "Unknown I2P name",
		Lead: "No address book here has this name. Names in I2P are not looked up at a central place: each router " +
			"knows those of the address books that it subscribed to.",
		Advice: []string{
			"Check the spelling.",
			"Ask whoever gave you the name for its .b32.i2p address, which always works.",
			"Or save the name yourself: add a line NAME=ADDRESS to hosts.txt in clove's data folder.",
		},
	}
	if len(f.jumps) > 0 && f.method == nethttp.MethodGet {
		p.Lead += " These sites know more names. Whoever runs one learns which name you ask for, and says where it leads:"
		p.Links = f.jumps
	}
	return p
}

func (f failed) notReady() *page {
	p := &page{
		status: nethttp.StatusServiceUnavailable, proxy: "proxy_internal_error", Title: "Still connecting to I2P",
		Lead: "The router is building its first tunnels. That takes some minutes after the first start and less " +
			"later on.",
	}
	if p.reload = f.method == nethttp.MethodGet; p.reload {
		p.Advice = []string{"This page reloads itself and shows the site as soon as it can."}
	} else {
		p.Advice = []string{"Nothing was sent. Send it again in a while."}
	}
	var n *proxies.NotReadyError
	if errors.As(f.err, &n) {
		p.Progress = n.Progress
	}
	return p
}

// refused says how to allow it, where the user can.
func (f failed) refused() *page {
	p := &page{
		status: nethttp.StatusForbidden, proxy: "http_request_denied", Title: "Not an I2P address",
		Lead: "Only names that end in .i2p are fetched, unless a rule sends others to an outproxy. Nothing was sent, and no name " +
			"server was asked.",
		Advice: []string{
			"To browse the web outside of I2P use another browser or profile without this proxy.",
			"If you did not ask for this address, a page did: it may have tried to find out who you are.",
		},
	}
	var refused *proxies.RefusedError
	if !errors.As(f.err, &refused) {
		p.Title, p.Lead, p.Advice = "Not allowed", "The settings of the proxy do not allow this.", nil
		return p
	}
	switch refused.Why {
	case proxies.LocalHost, proxies.PrivateName:
		p.Title = "Not through I2P"
		p.Lead = "This address is on your own computer or in your own network. Pages from I2P must not reach it, so " +
			"it is refused here, whatever the rules say."
		p.Advice = []string{
			"To open it yourself use another browser or profile without this proxy.",
			"If you did not ask for it, a page did: it may have tried to reach something in your network.",
		}
		return p
	case proxies.OtherNetwork:
		p.Lead = "This name is of another network than I2P and the web. Nothing was sent, and no name server was asked."
		p.Advice = []string{"Use the program that is made for that network."}
		return p
	case proxies.IPv4Address, proxies.IPv6Address:
		p.Lead = "I2P has no IP addresses. Nothing was sent."
	case proxies.ByRule:
		p.Title = "Blocked by a rule"
		p.Lead = "A rule of this proxy blocks it. Nothing was sent, and no name server was asked."
		p.Facts = []fact{{"Rule", refused.Rule}}
	}
	f.remedy(p)
	return p
}

// remedy adds how to turn it on, and how to find out why it is off.
func (f failed) remedy(p *page) {
	remedy := f.decision.Remedy()
	if remedy == "" {
		return
	}
	explain := "clove rules explain " + f.url()
	p.Code = remedy + "\n\nWhy it is blocked, rule by rule:\n\n" + explain
	p.details = "blocked by the proxy's rules, nothing was sent; " + explain + " tells why and how to allow it"
}

// url is the address for the command line. The host is a parsed one, which holds nothing that a shell knows.
func (f failed) url() string {
	scheme, byDefault := "http", 80
	if f.method == nethttp.MethodConnect {
		scheme, byDefault = "https", 443
	}
	host := f.decision.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if f.port != byDefault {
		host += ":" + strconv.Itoa(f.port)
	}
	return scheme + "://" + host + "/"
}

func internalPage() *page {
	return &page{
		status: nethttp.StatusBadGateway, proxy: "proxy_internal_error", Title: "The request failed",
		Lead: "It failed for a reason that has no page of its own.", Advice: []string{"Try again."},
	}
}
