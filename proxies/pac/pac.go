package pac

import (
	"fmt"
	"net/netip"
)

// Type is the media type of the file.
const Type = "application/x-ns-proxy-autoconfig"

// Outside is what becomes of addresses that are not in I2P.
type Outside uint8

const (
	// ToProxy: the proxy decides by its rules, and answers what it blocks with a page.
	ToProxy Outside = iota
	// ToNothing: a port on which nothing listens. No request leaves the browser.
	ToNothing
)

// deadEnd is the discard port, which nothing has listened on for decades. A refused connection is an error in every browser.
const deadEnd = "PROXY 127.0.0.1:9"

// File returns the file for a proxy. The address has to be one that browsers can connect to: not the unspecified one.
//
// It is ECMAScript 3 without any of the functions that only browsers define, as other programs evaluate it, too. Host names
// may end in a dot and have any case.
func File(proxy netip.AddrPort, outside Outside) ([]byte, error) {
	if !proxy.IsValid() || proxy.Port() == 0 || proxy.Addr().IsUnspecified() || proxy.Addr().Zone() != "" {
		return nil, fmt.Errorf("pac: no browser can connect to %s", proxy)
	}
	proxy = netip.AddrPortFrom(proxy.Addr().Unmap(), proxy.Port())
	inside := "PROXY " + proxy.String()
	others := inside
	if outside == ToNothing {
		others = deadEnd
	}
	return fmt.Appendf(nil, template, inside, others), nil
}

const template = `// Everything goes to the proxy. Nothing is connected to directly, and no name server is asked.
function FindProxyForURL(url, host) {
  var inside = %q;
  var outside = %q;
  host = String(host).toLowerCase();
  while (host.length > 0 && host.charAt(host.length - 1) === ".") {
    host = host.substring(0, host.length - 1);
  }
  if (host.length > 4 && host.substring(host.length - 4) === ".i2p") {
    return inside;
  }
  return outside;
}
`
