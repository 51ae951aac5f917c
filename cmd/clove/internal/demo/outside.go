package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"clove.i2p/cmd/clove/internal/appliance"
)

// outsideName is the one host of what stands for the clearnet, and outsideAddress what its exit finds for it: an address of the
// range for documentation, which nobody has.
const outsideName = "clearnet.example"

var outsideAddress = netip.MustParseAddr("203.0.113.80")

// outside is what stands for the clearnet: one site, one name. The exit of the demo reaches nothing else, so that nothing leaves
// the machine.
type outside struct{ listener net.Listener }

func listenOutside() (*outside, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &outside{l}, nil
}

// serve answers visitors until stop is called.
func (o *outside) serve() (stop func()) {
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "This is %s, which is not in I2P. Your request came out of an outproxy.\n", outsideName)
	})}
	go s.Serve(o.listener)
	return func() { s.Close() }
}

// exit replaces the internet.
func (o *outside) exit() *appliance.Exit {
	return &appliance.Exit{
		Resolver: o,
		Allow:    []netip.AddrPort{netip.AddrPortFrom(outsideAddress, 80)},
		Connect: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", o.listener.Addr().String())
		},
	}
}

// LookupNetIP knows one name.
func (o *outside) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if strings.TrimSuffix(strings.ToLower(host), ".") != outsideName {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{outsideAddress}, nil
}
