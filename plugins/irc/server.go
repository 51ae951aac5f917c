package main

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/sdk"
	"clove.i2p/plugins/visitors"
	"clove.i2p/proxies/relay"
)

// server is one irc-server tunnel.
type server struct {
	tunnel *sdk.Tunnel
	now    atomic.Pointer[serverSettings]
	cloak  []byte
	visits *visitors.Book
	down   atomic.Bool // the local server did not take the last connection

	clients                         atomic.Int64
	sent, received                  atomic.Uint64 // to and from I2P
	refused, backendFailed, dropped *sdk.Counter
}

// runServer serves until ctx ends or all has drained.
func runServer(ctx context.Context, t *sdk.Tunnel, settings serverSettings) error {
	key, err := cloakKey(ctx, t)
	if err != nil {
		return err
	}
	s := &server{
		tunnel: t, cloak: key, visits: visitors.NewBook(settings.limits()),
		refused:       t.Counter("refused", "connections over a limit"),
		backendFailed: t.Counter("backend_failed", "connections that the local IRC server did not take"),
		dropped:       t.Counter("registration_failed", "connections that did not say who they are as IRC clients do"),
	}
	s.now.Store(&settings)
	t.Gauge("clients", "IRC clients that are connected", func() float64 { return float64(s.clients.Load()) })
	t.Gauge("sent_bytes", "sent to clients", func() float64 { return float64(s.sent.Load()) })
	t.Gauge("received_bytes", "received from clients", func() float64 { return float64(s.received.Load()) })
	t.OnHealth(func() (sdk.HealthState, string) {
		if s.down.Load() {
			return sdk.Degraded, "the local IRC server does not answer"
		}
		return sdk.Healthy, ""
	})
	sdk.OnReload(t, func(next serverSettings) bool {
		if next.Port != s.now.Load().Port {
			return false
		}
		s.visits.SetLimits(next.limits())
		s.now.Store(&next)
		return true
	})
	l, err := t.Listen(settings.Port)
	if err != nil {
		return err
	}
	return t.Serve(ctx, l, s.serve)
}

// serve is one client.
func (s *server) serve(ctx context.Context, c net.Conn) {
	address, _ := sdk.PeerOf(c)
	peer, err := visitors.ParsePeer(address.Base32)
	if err != nil {
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
		s.refused.Add(1)
		goodbye(c, "ERROR :too many connections, try again later")
		return
	}
	s.clients.Add(1)
	defer s.clients.Add(-1)
	settings := s.now.Load()
	backend, err := s.dial(ctx, settings, peer)
	if err != nil {
		if ctx.Err() == nil {
			s.backendFailed.Add(1)
			goodbye(c, ":ircserver.i2p 499 you :the IRC server does not answer, try again later")
		}
		return
	}
	defer backend.Close()
	host := hostOf(settings.Hostname, peer, s.cloak)
	if settings.Method == "webirc" {
		// The address is one of loopback, but always the same for this client: a ban by it holds.
		line := "WEBIRC " + settings.Password + " " + settings.Gateway + " " + host + " " + peer.Source().String() + "\r\n"
		if _, err := backend.Write([]byte(line)); err != nil {
			s.backendFailed.Add(1)
			goodbye(c, ":ircserver.i2p 499 you :the IRC server closed the connection")
			return
		}
		host = ""
	}
	guard := newRegistration(c, host, s.dropped)
	relay.Join(ctx, backend, guard, relay.Limits{Idle: serverIdle, Linger: serverLinger}, &s.sent, &s.received)
}

func (s *server) dial(ctx context.Context, settings *serverSettings, peer visitors.Peer) (net.Conn, error) {
	source := ""
	if settings.sources() {
		source = peer.Source().String()
	}
	dialling, cancel := context.WithTimeout(ctx, backendTime)
	defer cancel()
	c, err := s.tunnel.DialLocal(dialling, settings.Target, source)
	if ctx.Err() == nil {
		if was := s.down.Swap(err != nil); err != nil && !was {
			s.tunnel.Log.Warn("the local IRC server does not answer", "error", err)
		}
	}
	return c, err
}

// goodbye says a line and closes.
func goodbye(c net.Conn, line string) {
	_ = c.SetWriteDeadline(time.Now().Add(farewell))
	_, _ = c.Write([]byte(line + "\r\n"))
	relay.Drain(c)
}
