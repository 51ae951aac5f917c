package http

import (
	"fmt"
	"net"
	nethttp "net/http"
	"net/netip"

	"clove.i2p/proxies/pac"
)

const (
	pacPath    = "/proxy.pac"
	helperPath = "/helper"
)

// local answers a request that is not for a proxy: somebody opened the proxy's own address.
func (s *Server) local(out *responseWriter, r *nethttp.Request) {
	defer out.finish()
	s.localPage(r).write(out, r)
}

func (s *Server) localPage(r *nethttp.Request) *page {
	switch {
	case !isLocalName(r.Host) && r.Host != "" || forwarded(r.Header):
		return bare(nethttp.StatusForbidden)
	case r.URL.Path == pacPath:
		return pacPage(r)
	case embedded(r.Header):
		return bare(nethttp.StatusForbidden)
	}
	p := s.withState(&page{
		status: nethttp.StatusOK, Title: "This is an HTTP proxy for I2P", own: true,
		Lead: "It is not a site. Set this address and port as the HTTP proxy of your browser, best in a profile of " +
			"its own, and open an .i2p name there.",
		Advice: []string{
			"Test it with http://proxy.i2p/ afterwards: that page says how to set up browsers.",
			"curl -x http://HOST:PORT http://NAME.i2p/",
		},
	})
	return readOnly(p, r, r.URL.Path == "/")
}

// ownPage is http://proxy.i2p/...
func (s *Server) ownPage(r *nethttp.Request, user identity) *page {
	switch {
	case forwarded(r.Header):
		return bare(nethttp.StatusForbidden)
	case r.URL.Path == pacPath:
		return pacPage(r)
	case r.Method == nethttp.MethodPost && r.URL.Path == helperPath && s.cfg.Book != nil:
		// What makes a change has to come from our own form, which no other page can read.
		if !ownOriginOnly(r.Header) || !navigates(r.Header) || embedded(r.Header) {
			return bare(nethttp.StatusForbidden)
		}
		return s.acceptHelper(r, user)
	case foreign(r):
		return bare(nethttp.StatusForbidden)
	case r.URL.Path == helperPath && s.cfg.Book != nil:
		return readOnly(s.confirmHelper(r.URL.Query(), user), r, true)
	}
	return readOnly(s.startPage(r), r, r.URL.Path == "/" || r.URL.Path == "")
}

// pacPage holds the address that the client has connected to, and nothing else.
func pacPage(r *nethttp.Request) *page {
	if embedded(r.Header) {
		return bare(nethttp.StatusForbidden)
	}
	address, err := listenerOf(r)
	var file []byte
	if err == nil {
		file, err = pac.File(address, pac.ToProxy)
	}
	if err != nil {
		return internalPage()
	}
	p := &page{status: nethttp.StatusOK, own: true, body: file, contentType: pac.Type}
	return readOnly(p, r, true)
}

// listenerOf is the local end of the client's connection.
func listenerOf(r *nethttp.Request) (netip.AddrPort, error) {
	a, ok := r.Context().Value(nethttp.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("http: connection without an address")
	}
	return netip.ParseAddrPort(a.String())
}

func (s *Server) withState(p *page) *page {
	ready, progress := s.opener.Ready()
	switch {
	case ready:
		p.Progress = "Connected to I2P."
	case progress == "":
		p.Progress, p.reload = "Still connecting to I2P.", true
	default:
		p.Progress, p.reload = "Still connecting to I2P: "+progress, true
	}
	return p
}

// readOnly replaces a page by the reason why it is not shown.
func readOnly(p *page, r *nethttp.Request, exists bool) *page {
	switch {
	case r.Method != nethttp.MethodGet && r.Method != nethttp.MethodHead:
		return &page{
			status: nethttp.StatusMethodNotAllowed, Title: "Not a page to send to", own: true,
			header: nethttp.Header{"Allow": {"GET, HEAD"}}, Lead: "The proxy's own pages can only be read.",
		}
	case !exists:
		return &page{
			status: nethttp.StatusNotFound, Title: "No such page", own: true,
			Lead: "The proxy's own pages begin at " + ownOrigin + "/.", Links: []link{{ownOrigin + "/", ownOrigin + "/"}},
		}
	}
	return p
}
