package client

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/pool"
)

type clove struct {
	delivery garlic.DeliveryInstructions
	kind     i2np.Type
}

// sealedCloves is a garlic message of such cloves, with bodies of four bytes.
func sealedCloves(t *testing.T, k *garlic.Keeper, to garlic.Peer, cloves ...clove) pool.Delivered {
	t.Helper()
	now := clock.New().Now()
	b := buf.GetLarge()
	for _, c := range cloves {
		msg := append(i2np.NewHeader(c.kind, now).AppendShort(nil), 1, 2, 3, 4)
		if err := garlic.AppendClove(b, c.delivery, msg); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Seal(to, b, now); err != nil {
		t.Fatal(err)
	}
	return pool.Delivered{Delivery: tunnel.Delivery{Type: tunnel.DeliveryLocal}, Message: b}
}

// Anybody can seal for a destination whose LeaseSet is published. That must not answer for a floodfill, nor for the
// endpoint of a tunnel that is built; both would mislead us, or tell that it is us who asked.
func TestStrangersDoNotAnswerOurQuestions(t *testing.T) {
	s, _, theirs, to := pair(t) // without a view and a table: either would be a nil dereference
	kinds := []i2np.Type{
		i2np.TypeDatabaseSearchReply, i2np.TypeOutboundTunnelBuildReply, i2np.TypeVariableTunnelBuildReply, i2np.TypeShortTunnelBuild,
		i2np.TypeDatabaseLookup, i2np.TypeGarlic, i2np.TypeTunnelData, i2np.TypeTunnelGateway,
	}
	for _, kind := range kinds {
		s.Received(nil, []pool.Delivered{sealedCloves(t, theirs, to, clove{garlic.Local(), kind})})
	}
	if got := s.stats.refusedType.Load(); got != uint64(len(kinds)) {
		t.Errorf("%d of %d refused", got, len(kinds))
	}
	s.Received(nil, []pool.Delivered{sealedCloves(t, theirs, to,
		clove{garlic.ToRouter(i2p.Hash{3}), i2np.TypeGarlic}, clove{garlic.ToDestination(i2p.Hash{4}), i2np.TypeData},
		clove{garlic.ToDestination(s.hash), i2np.TypeDatabaseStore},
	)})
	if got := s.stats.refusedDelivery.Load(); got != 3 {
		t.Errorf("%d deliveries of 3 refused", got)
	}
}

func TestOneBundledLeaseSetPerMessage(t *testing.T) {
	s, _, theirs, to := pair(t)
	store := clove{garlic.Local(), i2np.TypeDatabaseStore}
	s.Received(nil, []pool.Delivered{sealedCloves(t, theirs, to, store, store, store)})
	if bad, refused := s.stats.malformed.Load(), s.stats.refusedDelivery.Load(); bad != 1 || refused != 2 {
		t.Errorf("%d looked at, %d refused", bad, refused)
	}
}

type sent struct{ n atomic.Int64 }

func (s *sent) Send(_ i2p.Hash, msgs ...*buf.Buf) {
	for _, m := range msgs {
		s.n.Add(1)
		m.Release()
	}
}

// What a stranger has us send out of our tunnels is no more than what he sends.
func TestCloveForATunnelIsSentOnOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, theirs, to := pair(t)
		out := new(sent)
		shape := pool.Shape{Quantity: 1}
		var err error
		s.pool, err = pool.New(pool.Config{Inbound: shape, Outbound: shape}, pool.Deps{
			Clock: s.clock, Sender: out, Table: pool.NewTable(), Owner: s, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		go s.pool.Run(t.Context())
		time.Sleep(time.Second)
		if !s.pool.Ready() {
			t.Fatal("no tunnels")
		}
		there := garlic.ToTunnel(i2p.Hash{3}, 4)
		s.Received(nil, []pool.Delivered{
			sealedCloves(t, theirs, to, clove{there, i2np.TypeGarlic}, clove{there, i2np.TypeGarlic}, clove{there, i2np.TypeDeliveryStatus}),
			sealedCloves(t, theirs, to, clove{there, i2np.TypeData}),
			sealedCloves(t, theirs, to, clove{there, i2np.TypeDatabaseStore}),
		})
		if n := out.n.Load(); n != 1 {
			t.Errorf("%d messages sent", n)
		}
	})
}
