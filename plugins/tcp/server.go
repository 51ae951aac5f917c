package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
	"clove.i2p/proxies/relay"
)

// server is one tcp-server tunnel.
type server struct {
	tunnel         *sdk.Tunnel
	now            atomic.Pointer[serverVersion]
	visits         *visitors.Book
	down           atomic.Bool   // the local server did not take the last connection
	sent, received atomic.Uint64 // to and from I2P

	denied, limited, noPort, backendFailed *sdk.Counter
}

// serverVersion is what changes when the settings do.
type serverVersion struct {
	serverSettings
	lists visitors.Lists
	ports map[int]string
	roots *x509.CertPool
}

func newServerVersion(ctx context.Context, t *sdk.Tunnel, s serverSettings) (*serverVersion, error) {
	v := &serverVersion{serverSettings: s, ports: make(map[int]string)}
	var err error
	if v.lists, err = lists(ctx, t, s); err != nil {
		return nil, err
	}
	for port, address := range s.Ports {
		n, _ := strconv.Atoi(port) // which problems has checked
		v.ports[n] = address
	}
	if s.TLSCA != "" {
		pem, err := t.ReadFile(s.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("tls_ca: %w", err)
		}
		if v.roots = x509.NewCertPool(); len(pem) > maxCA || !v.roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("tls_ca: no certificates in PEM are in the file")
		}
	}
	return v, nil
}

// runServer serves until ctx ends or all has drained.
func runServer(ctx context.Context, t *sdk.Tunnel, settings serverSettings) error {
	v, err := newServerVersion(ctx, t, settings)
	if err != nil {
		return err
	}
	s := &server{
		tunnel: t, visits: visitors.NewBook(settings.limits()),
		denied:        t.Counter("denied", "connections of visitors that the lists refuse"),
		limited:       t.Counter("limited", "connections over a limit"),
		noPort:        t.Counter("unknown_port", "connections to I2P ports behind which there is nothing"),
		backendFailed: t.Counter("backend_failed", "connections that the local server did not take"),
	}
	s.now.Store(v)
	t.Gauge("sent_bytes", "sent to visitors", func() float64 { return float64(s.sent.Load()) })
	t.Gauge("received_bytes", "received from visitors", func() float64 { return float64(s.received.Load()) })
	t.OnHealth(func() (sdk.HealthState, string) {
		if s.down.Load() {
			return sdk.Degraded, "the local server does not take connections"
		}
		return sdk.Healthy, ""
	})
	sdk.OnReload(t, func(next serverSettings) bool {
		v, err := newServerVersion(ctx, t, next)
		if err != nil {
			return false // the start says why
		}
		s.visits.SetLimits(next.limits())
		s.now.Store(v)
		return true
	})
	l, err := t.Listen(0)
	if err != nil {
		return err
	}
	return t.Serve(ctx, l, s.serve)
}

// serve is one visitor's connection. Whoever is not welcome, or finds nobody, gets an end at once.
func (s *server) serve(ctx context.Context, c net.Conn) {
	v := s.now.Load()
	address, _ := sdk.PeerOf(c)
	peer, err := visitors.ParsePeer(address.Base32)
	if err != nil || !v.lists.Allows(peer) {
		s.denied.Add(1)
		return
	}
	target, ok := v.ports[sdk.LocalPort(c)]
	if !ok {
		target = v.Target
	}
	if target == "" {
		s.noPort.Add(1)
		return
	}
	_, verdict := s.visits.Request(time.Now(), peer)
	if verdict == visitors.Welcome {
		var leave func()
		if leave, verdict = s.visits.Open(peer); verdict == visitors.Welcome {
			defer leave()
		}
	}
	if verdict != visitors.Welcome {
		s.limited.Add(1)
		return
	}
	backend, err := s.dial(ctx, v, target, peer)
	if ctx.Err() != nil {
		return
	}
	if was := s.down.Swap(err != nil); err != nil && !was {
		s.tunnel.Log.Warn("the local server does not take connections", "error", api.Kind(err))
	}
	if err != nil {
		s.backendFailed.Add(1)
		return
	}
	relay.Join(ctx, backend, c, relay.Limits{Idle: v.Idle, Linger: linger}, &s.sent, &s.received)
}

// dial connects to a local server, from the visitor's own address where there is one: PROXY header first, then TLS.
func (s *server) dial(ctx context.Context, v *serverVersion, target string, peer visitors.Peer) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, backendTime)
	defer cancel()
	var c net.Conn
	err := api.ErrInvalid
	if source, ok := v.source(target, peer); ok {
		// Systems other than Linux have 127.0.0.1 only, and fd00::/8 is an address of few.
		c, err = s.tunnel.DialLocal(ctx, target, source.String())
	}
	if err != nil && !errors.Is(err, api.ErrRefused) && !errors.Is(err, api.ErrPermission) && ctx.Err() == nil {
		c, err = s.tunnel.DialLocal(ctx, target, "")
	}
	if err != nil {
		return nil, err
	}
	if v.Proxy != "none" {
		_ = c.SetWriteDeadline(time.Now().Add(backendTime))
		if _, err := c.Write(proxyHeader(v.Proxy, target, peer)); err != nil {
			_ = c.Close()
			return nil, err
		}
		_ = c.SetWriteDeadline(time.Time{})
	}
	if !v.TLS {
		return c, nil
	}
	secured := tls.Client(c, v.tlsConfig(target))
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return secured, nil
}

func (v *serverVersion) tlsConfig(target string) *tls.Config {
	name := v.TLSName
	if name == "" {
		name, _, _ = net.SplitHostPort(target)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: v.roots, ServerName: name,
		// On this machine nobody is in between; for other machines the user has said so.
		InsecureSkipVerify: v.roots == nil && (v.TLSInsecure || onThisMachine(target)),
	}
}
