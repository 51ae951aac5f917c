package site

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"clove.i2p/router/i2p"
)

// proxy passes requests to a local web server. The visitor's destination goes along in X-I2P-Dest headers, which
// visitors cannot forge; nothing of this machine goes back.
func proxy(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to) // with the Host of the local web server: "localhost" is not for visitors to ask for
			if isI2P(r.In.Host) {
				r.Out.Host = r.In.Host
			}
			for name := range r.Out.Header {
				if forgeable(name) {
					delete(r.Out.Header, name)
				}
			}
			setVisitor(r)
		},
		ModifyResponse: func(r *http.Response) error {
			for _, h := range []string{"Server", "X-Powered-By", "X-Runtime", "Date", "Proxy", "Via"} {
				r.Header.Del(h)
			}
			hideLocal(r.Header, to)
			return nil
		},
		Transport: &http.Transport{
			Proxy: nil, DisableCompression: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: idleTimeout, ResponseHeaderTimeout: answerTimeout,
		},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "The web server behind this eepsite does not answer.", http.StatusBadGateway)
		},
	}
}

func isI2P(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return strings.HasSuffix(strings.ToLower(name), ".i2p")
}

// forgeable tells the headers by which web servers and what runs behind them know a visitor, and Proxy, which CGI programs
// take for a setting. CGI does not tell "_" from "-".
func forgeable(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for _, prefix := range []string{"x-i2p-dest", "x-forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "remote-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "forwarded" || name == "via" || name == "proxy" || name == "client-ip"
}

// hideLocal makes redirects that name the local web server relative.
func hideLocal(h http.Header, local *url.URL) {
	for _, name := range []string{"Location", "Content-Location"} {
		u, err := url.Parse(h.Get(name))
		if err != nil || !strings.EqualFold(u.Host, local.Host) {
			continue
		}
		u.Scheme, u.Host, u.User = "", "", nil
		if u.Path == "" {
			u.Path = "/"
		}
		h.Set(name, u.String())
	}
}

type visitorKey struct{}

// withVisitor keeps the destination that a connection comes from.
func withVisitor(ctx context.Context, conn net.Conn) context.Context {
	c, ok := conn.(interface{ RemoteDestination() *i2p.Destination })
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, visitorKey{}, c.RemoteDestination())
}

func setVisitor(r *httputil.ProxyRequest) {
	d, ok := r.In.Context().Value(visitorKey{}).(*i2p.Destination)
	if !ok || d == nil {
		return
	}
	r.Out.Header.Set("X-I2P-DestHash", d.Hash().String())
	r.Out.Header.Set("X-I2P-DestB32", d.Base32())
	r.Out.Header.Set("X-I2P-DestB64", d.Base64())
}
