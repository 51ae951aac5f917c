package http

import (
	nethttp "net/http"
	"strconv"

	"clove.i2p/proxies"
)

// local answers a request that is not for a proxy: somebody opened the proxy's own address.
func (s *Server) local(out *responseWriter, r *nethttp.Request) {
	defer out.finish()
	p := s.withState(&page{
		status: nethttp.StatusOK, Title: "This is the HTTP proxy of clove",
		Lead: "It is not a site. Set this address and port as the HTTP proxy of your browser, best in a profile of " +
			"its own, and open an .i2p name there.",
		Advice: []string{"Test it with http://proxy.i2p/ afterwards.", "curl -x http://HOST:PORT http://NAME.i2p/"},
	})
	readOnly(p, r, r.URL.Path == "/").write(out, r)
}

// selfPage is http://proxy.i2p/.
func (s *Server) selfPage(r *nethttp.Request) *page {
	p := s.withState(&page{
		status: nethttp.StatusOK, Title: "The HTTP proxy works",
		Lead: "Your browser reaches clove's HTTP proxy.",
	})
	stats := s.Stats()
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
	return readOnly(p, r, r.URL.Path == "/" || r.URL.Path == "")
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
			status: nethttp.StatusMethodNotAllowed, Title: "Not a page to send to", header: [2]string{"Allow", "GET, HEAD"},
			Lead: "The proxy's own pages can only be read.",
		}
	case !exists:
		return &page{
			status: nethttp.StatusNotFound, Title: "No such page",
			Lead: "The proxy has one page of its own, http://" + proxies.SelfHost + "/.",
		}
	}
	return p
}
