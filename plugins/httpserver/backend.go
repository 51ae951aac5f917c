package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/httpguard"
	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
)

// backends are the local web servers of a tunnel, as an http.Handler.
type backends struct {
	main   *backend
	byPort map[int]*backend
	raw    map[int]target
	hosts  map[int]string
	host   string
}

// backend is one of them.
type backend struct {
	to     target
	local  localServer
	unique bool
	proxy  *httputil.ReverseProxy
	idle   func() // closes what waits for the next request
}

// localServer is what a backend needs of its tunnel.
type localServer interface {
	DialLocal(ctx context.Context, address, source string) (net.Conn, error)
}

func newBackends(t *sdk.Tunnel, s serverSettings, host string, state *backendState) (*backends, error) {
	b := &backends{host: host, byPort: map[int]*backend{}, raw: map[int]target{}, hosts: map[int]string{}}
	if s.Host != "" {
		b.host = s.Host
	}
	for port, h := range s.Hosts {
		n, _ := strconv.Atoi(port)
		b.hosts[n] = h
	}
	var roots *x509.CertPool
	if s.TLSCA != "" {
		pem, err := t.ReadFile(s.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("tls_ca: %w", err)
		}
		if roots = x509.NewCertPool(); len(pem) > maxCA || !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("tls_ca: no certificates in PEM are in the file")
		}
	}
	add := func(address string) (*backend, target, error) {
		to, err := parseTarget(address)
		if err != nil {
			return nil, to, err
		}
		config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: s.TLSName}
		if config.ServerName == "" {
			config.ServerName = to.host()
		}
		if roots == nil {
			config.InsecureSkipVerify = true // on this machine: settings.go lets nothing else through without roots
		}
		return newBackend(t, to, config, s.UniqueLocal, state), to, nil
	}
	var err error
	if b.main, _, err = add(s.Target); err != nil {
		return nil, err
	}
	for port, address := range s.Ports {
		n, _ := strconv.Atoi(port)
		other, to, err := add(address)
		switch {
		case err != nil:
			return nil, err
		case to.raw:
			b.raw[n] = to
		default:
			b.byPort[n] = other
		}
	}
	return b, nil
}

func (b *backends) hasPort(port int) bool { return b.byPort[port] != nil }

func (b *backends) close() {
	b.main.idle()
	for _, other := range b.byPort {
		other.idle()
	}
}

type hostKey struct{}

func (b *backends) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	port := sdk.LocalPort(httpguard.ConnOf(r))
	host := b.hosts[port]
	switch {
	case host != "":
	case port == 0 || port == 80:
		host = b.host
	default:
		host = net.JoinHostPort(b.host, strconv.Itoa(port))
	}
	to := b.byPort[port]
	if to == nil {
		to = b.main
	}
	to.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), hostKey{}, host)))
}

func newBackend(l localServer, to target, config *tls.Config, unique bool, state *backendState) *backend {
	b := &backend{to: to, local: l, unique: unique && to.sources()}
	transport := &http.Transport{
		// Proxy is nil: nothing of the environment counts.
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			c, err := b.dial(ctx, peerIn(address))
			if ctx.Err() == nil {
				state.note(err)
			}
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errDown, err)
			}
			return c, nil
		},
		TLSClientConfig: config, DisableCompression: true, MaxIdleConns: maxIdle, MaxIdleConnsPerHost: 4, IdleConnTimeout: backendIdle,
		ResponseHeaderTimeout: answerTimeout, ExpectContinueTimeout: time.Second,
	}
	b.idle = transport.CloseIdleConnections
	b.proxy = &httputil.ReverseProxy{
		Rewrite: b.rewrite, Transport: transport, ErrorHandler: failed, ErrorLog: log.New(io.Discard, "", 0),
		ModifyResponse: func(r *http.Response) error {
			cleanAnswer(r.Header, to.address)
			return nil
		},
	}
	return b
}

// rewrite is the request as the local server sees it. The name in its URL is the visitor's: http.Transport keeps connections by
// that, so that no two visitors share one.
func (b *backend) rewrite(r *httputil.ProxyRequest) {
	peer := peerOf(httpguard.ConnOf(r.In))
	u := &url.URL{Scheme: "http", Host: peer.Base32(), Path: b.to.path}
	if b.to.tls {
		u.Scheme = "https"
	}
	r.SetURL(u)
	r.Out.URL.RawQuery = r.In.URL.RawQuery // as it is: what is in it is the web server's business
	r.Out.Host, _ = r.In.Context().Value(hostKey{}).(string)
	cleanRequest(r.Out.Header)
	address, ok := sdk.PeerOf(httpguard.ConnOf(r.In))
	if !ok {
		return
	}
	r.Out.Header["X-I2P-DestHash"] = []string{peer.Base64()}
	r.Out.Header["X-I2P-DestB32"] = []string{peer.Base32()}
	if address.Base64 != "" {
		r.Out.Header["X-I2P-DestB64"] = []string{address.Base64}
	}
}

// peerIn is the reverse of what rewrite puts into the URL.
func peerIn(address string) visitors.Peer {
	host, _, _ := net.SplitHostPort(address)
	p, _ := visitors.ParsePeer(host)
	return p
}

// dial connects to the local server, from the visitor's own address where there is one.
func (b *backend) dial(ctx context.Context, from visitors.Peer) (net.Conn, error) {
	return dialTarget(ctx, b.local, b.to, from, b.unique)
}

func dialTarget(ctx context.Context, l localServer, to target, from visitors.Peer, unique bool) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if unique && from != (visitors.Peer{}) {
		c, err := l.DialLocal(ctx, to.address, from.Source().String())
		if err == nil || errors.Is(err, api.ErrRefused) || errors.Is(err, api.ErrPermission) || ctx.Err() != nil {
			return c, err
		}
		// Systems other than Linux have 127.0.0.1 only.
	}
	return l.DialLocal(ctx, to.address, "")
}

// failed answers for a local server that does not.
func failed(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // nobody waits
	case errors.Is(err, errDown):
		page(w, http.StatusServiceUnavailable, "The web server behind this site does not answer.")
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		page(w, http.StatusGatewayTimeout, "The web server behind this site takes too long.")
	default:
		page(w, http.StatusBadGateway, "The web server behind this site gave no proper answer.")
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

var errDown = errors.New("local server down")
