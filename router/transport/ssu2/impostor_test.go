package ssu2

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

// A listener calls a function with each line of a log.
type listener struct {
	slog.Handler
	heard func(message string)
}

func (l listener) Enabled(context.Context, slog.Level) bool { return true }

func (l listener) Handle(_ context.Context, r slog.Record) error {
	l.heard(r.Message)
	return nil
}

// Anybody can put the identity of another router before a RouterInfo that he makes; only the signature is missing.
func TestImpostorIsNotFoundByTheNameHeTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		victim, _ := newHost(t, n, 3, lossy(0), nil)
		var b *router
		var refused atomic.Bool
		b, _ = newHost(t, n, 1, lossy(0), func(_ *Config, d *Deps) {
			d.Logger = slog.New(listener{slog.DiscardHandler, func(message string) {
				if strings.Contains(message, "refused") {
					refused.Store(true)
					if b.running().table.session(victim.hash()) != nil {
						t.Error("the impostor's session is the victim's")
					}
				}
			}})
		})
		b.serve()
		a, _ := newHost(t, n, 2, lossy(0), nil)
		forged, err := i2p.NewRouterInfo(
			&i2p.RouterKeys{Identity: victim.keys.Identity, Encryption: a.keys.Encryption, Signing: a.keys.Signing}, time.Now(),
			a.transport.Addresses(), map[string]string{"netId": "99", "router.version": "0.9.66"},
		)
		if err != nil || forged.Hash() != victim.hash() {
			t.Fatal(err)
		}
		a.mu.Lock()
		a.info = forged
		a.mu.Unlock()
		a.serve()
		a.transport.Dial(t.Context(), b.self())
		time.Sleep(time.Second)
		if !refused.Load() || len(b.opened) != 0 || len(b.infos) != 0 {
			t.Errorf("refused: %v, opened %d, RouterInfos %d", refused.Load(), len(b.opened), len(b.infos))
		}
	})
}

func TestRefusedPeerIsNotHeard(t *testing.T) {
	_, b, ours, theirs := pair(t)
	theirs.opened = false
	theirs.s.observer = b
	theirs.refuse(transport.ReasonRISign)
	w := newWriter(t.Context(), ours.link)
	ours.flow.Control(time.Now(), wire.AppendAddress(nil, netip.MustParseAddrPort("11.9.9.9:9")), true)
	w.reserve(turnBytes)
	ours.act(w, time.Now())
	if len(w.trains) != 1 {
		t.Fatalf("%d trains", len(w.trains))
	}
	if theirs.receive(time.Now(), &udp.Packet{Data: w.trains[0].Data, From: ours.link.local}) {
		t.Error("a packet of a refused peer is handled")
	}
	theirs.postpone(wire.BlockAddress, wire.AppendAddress(nil, netip.MustParseAddrPort("11.9.9.9:9"))[wire.BlockHeaderLen:])
	theirs.deliver()
	if len(b.seen) != 0 {
		t.Errorf("a refused peer said %v", b.seen)
	}
}
