package http

import (
	nethttp "net/http"
	"net/url"

	"clove.i2p/proxies"
)

// viaKey is the context's key of Target.Via.
type viaKey struct{}

// outproxyURL only makes net/http write the absolute form. Its name is never used: DialContext has the stream.
var outproxyURL = &url.URL{Scheme: "http", Host: "outproxy.invalid"}

// viaOutproxy tells net/http which requests go to a proxy.
func viaOutproxy(r *nethttp.Request) (*url.URL, error) {
	if via, ok := r.Context().Value(viaKey{}).(string); ok && via != "" {
		return outproxyURL, nil
	}
	return nil, nil
}

// outproxyError finds out whether a proxy on the way answered, instead of the site.
func outproxyError(resp *nethttp.Response) error {
	if err := proxies.ProxyStatus(resp.StatusCode, resp.Header.Values("Proxy-Status")); err != nil {
		return err
	}
	if resp.StatusCode == nethttp.StatusProxyAuthRequired {
		// It wants credentials, which are the tunnel's to give. The browser would send those for this proxy.
		return &proxies.OutproxyError{Kind: proxies.ErrOutproxyRefused, Status: resp.StatusCode}
	}
	return nil
}
