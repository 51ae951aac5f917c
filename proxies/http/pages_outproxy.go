package http

import (
	"errors"
	nethttp "net/http"
	"strconv"

	"clove.i2p/proxies"
)

// outproxy explains what went wrong outside of I2P, or on the way there; nil for what has nothing to do with that.
func (f failed) outproxy(reason proxies.Reason) *page {
	p := outproxyPages[reason]
	if p.Title == "" {
		return nil
	}
	p.Facts = append(p.Facts, fact{"Outproxy tunnel", f.decision.Via})
	var e *proxies.OutproxyError
	if errors.As(f.err, &e) {
		for _, said := range []fact{{"Said by", speakers[e.Source]}, {"Error", e.Code}, {"Details", e.Details}} {
			if said.Value != "" {
				p.Facts = append(p.Facts, said)
			}
		}
		if e.Status != 0 {
			p.Facts = append(p.Facts, fact{"Status", strconv.Itoa(e.Status)})
		}
	}
	p.details = p.Title
	return &p
}

// speakers are the Sources of an OutproxyError.
var speakers = map[string]string{"outproxy": "the outproxy tunnel here", "exit": "the exit"}

const (
	adviceTunnel = "See whether the tunnel runs: clove tunnel list. Its plugin: clove plugin list, clove plugin logs outproxy."
	adviceOther  = "Another outproxy may do: change the exits of the tunnel, or via in the rule, in clove.toml, and reload."
)

// outproxyPages are values, to be copied.
var outproxyPages = map[proxies.Reason]page{
	proxies.ReasonOutproxyDown: {
		status: nethttp.StatusBadGateway, proxy: "destination_unavailable", Title: "No exit is reachable",
		Lead: "A rule sends this address out of I2P through an outproxy. The tunnel to it does not run, or none of its " +
			"exits is online.",
		Advice: []string{adviceTunnel, "Try again in some minutes: exits come and go.", adviceOther},
	},
	proxies.ReasonOutproxyRefused: {
		status: nethttp.StatusForbidden, proxy: "http_request_denied", Title: "The exit refuses this",
		Lead: "The outproxy does not serve this request: it may not allow the port, or not know you, or you have used up what " +
			"it gives to one client.",
		Advice: []string{"If it is a quota, wait a while.", "Most exits allow the ports 80 and 443 only.", adviceOther},
	},
	proxies.ReasonOutproxyAnswer: {
		status: nethttp.StatusBadGateway, proxy: "http_protocol_error", Title: "The exit did not answer properly",
		Lead:   "The outproxy was reached, but what came from it is not the answer of a working HTTP proxy.",
		Advice: []string{"Try again.", adviceTunnel, adviceOther},
	},
	proxies.ReasonExitDown: {
		status: nethttp.StatusServiceUnavailable, proxy: "destination_unavailable", Title: "The exit's proxy is down",
		Lead: "The exit was reached through I2P, but the proxy behind it, squid mostly, does not answer there. Only whoever " +
			"runs the exit can start it again.",
		Advice: []string{"If the exit is yours: is squid running? systemctl status squid", "Try again later.", adviceOther},
	},
	proxies.ReasonExitName: {
		status: nethttp.StatusBadGateway, proxy: "dns_error", Title: "The exit does not find this name",
		Lead:   "The exit asked its name server, which does not know the name.",
		Advice: []string{"Check the spelling.", adviceOther},
	},
	proxies.ReasonExitConnection: {
		status: nethttp.StatusBadGateway, proxy: "connection_refused", Title: "The site refused the connection",
		Lead:   "The exit tried to connect, and the site's server refused.",
		Advice: []string{"The site may be down, or refuse those who come from this exit.", adviceOther},
	},
	proxies.ReasonExitTimeout: {
		status: nethttp.StatusGatewayTimeout, proxy: "connection_timeout", Title: "The site did not answer the exit",
		Lead:   "The exit tried to connect, and nothing came back.",
		Advice: []string{"Try again.", adviceOther},
	},
	proxies.ReasonExitProhibited: {
		status: nethttp.StatusForbidden, proxy: "destination_ip_prohibited", Title: "The exit does not go there",
		Lead: "The name belongs to an address that is private, local or otherwise not of the public Internet. Exits do not " +
			"connect to those.",
		Advice: []string{"If you did not ask for this address, a page did: it may have tried to reach the exit's own network."},
	},
	proxies.ReasonNoAnswer: {
		status: nethttp.StatusGatewayTimeout, proxy: "connection_timeout", Title: "The outproxy did not answer",
		Lead:   "A rule sends this address out of I2P through an outproxy, from which nothing came.",
		Advice: []string{"Try again: a tunnel on the way may have failed, and the next one is another.", adviceTunnel, adviceOther},
	},
	proxies.ReasonTimeout: {
		status: nethttp.StatusGatewayTimeout, proxy: "connection_timeout", Title: "The outproxy did not answer",
		Lead:   "A rule sends this address out of I2P through an outproxy, and no answer came in time.",
		Advice: []string{"Try again: a tunnel on the way may have failed, and the next one is another.", adviceTunnel, adviceOther},
	},
}
