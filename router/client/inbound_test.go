package client

import (
	"slices"
	"testing"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/pool"
)

// arrival is one call of a Handler.
type arrival struct {
	proto   Protocol
	ports   Ports
	packets []string
}

type recorder struct{ arrivals []arrival }

func (r *recorder) Deliver(proto Protocol, ports Ports, packets []*buf.Buf) {
	a := arrival{proto: proto, ports: ports}
	for _, b := range packets {
		a.packets = append(a.packets, string(b.Bytes()))
		b.Release()
	}
	r.arrivals = append(r.arrivals, a)
}

// pair is a session that only receives, and the garlic keeper of a far destination with the address of the session.
func pair(t *testing.T) (*Session, *recorder, *garlic.Keeper, garlic.Peer) {
	t.Helper()
	keeper := func() (*garlic.Keeper, keys.X25519Public) {
		private, err := keys.GenerateX25519()
		if err != nil {
			t.Fatal(err)
		}
		k, err := garlic.New(garlic.Config{}, private)
		if err != nil {
			t.Fatal(err)
		}
		return k, private.Public()
	}
	ours, public := keeper()
	theirs, _ := keeper()
	s := &Session{hash: i2p.Hash{1}, clock: clock.New(), keeper: ours}
	r := new(recorder)
	var h Handler = r
	s.handler.Store(&h)
	return s, r, theirs, garlic.Peer{Hash: s.hash, Key: public}
}

// sealed is a packet as it leaves an inbound tunnel.
func sealed(t *testing.T, k *garlic.Keeper, to garlic.Peer, packet string, ports Ports) pool.Delivered {
	t.Helper()
	now := clock.New().Now()
	b := buf.Get()
	b.Append([]byte(packet))
	wrap(b, Streaming, ports)
	dataMessage(b, now)
	if err := garlic.PrependClove(b, garlic.ToDestination(to.Hash)); err != nil {
		t.Fatal(err)
	}
	if err := k.Seal(to, b, now); err != nil {
		t.Fatal(err)
	}
	return pool.Delivered{Delivery: tunnel.Delivery{Type: tunnel.DeliveryLocal}, Message: b}
}

func TestHandlerGetsABatchAtOnce(t *testing.T) {
	s, r, theirs, to := pair(t)
	web, other := Ports{1, 80}, Ports{1, 81}
	var batch []pool.Delivered
	for _, p := range []struct {
		packet string
		ports  Ports
	}{{"a", web}, {"b", web}, {"c", other}, {"d", web}} {
		batch = append(batch, sealed(t, theirs, to, p.packet, p.ports))
	}
	s.Received(nil, batch)
	s.Received(nil, []pool.Delivered{sealed(t, theirs, to, "e", web)})
	want := []arrival{
		{Streaming, web, []string{"a", "b"}}, {Streaming, other, []string{"c"}}, {Streaming, web, []string{"d"}},
		{Streaming, web, []string{"e"}},
	}
	if !slices.EqualFunc(r.arrivals, want, func(a, b arrival) bool {
		return a.proto == b.proto && a.ports == b.ports && slices.Equal(a.packets, b.packets)
	}) {
		t.Errorf("got %v, want %v", r.arrivals, want)
	}
	if got := s.stats.received.Load(); got != 5 {
		t.Errorf("%d received", got)
	}
}

// A message that is refused does not keep the others of its batch back.
func TestBatchSurvivesWhatIsRefused(t *testing.T) {
	s, r, theirs, to := pair(t)
	now := clock.New().Now()
	garbage := i2np.NewHeader(i2np.TypeGarlic, now).AppendShort(nil)
	lookup := i2np.NewHeader(i2np.TypeDatabaseLookup, now).AppendShort(nil)
	elsewhere := sealed(t, theirs, to, "elsewhere", Ports{})
	elsewhere.Delivery.Type = tunnel.DeliveryRouter
	s.Received(nil, []pool.Delivered{
		{Delivery: tunnel.Delivery{Type: tunnel.DeliveryLocal}, Message: buf.From(garbage)},
		{Delivery: tunnel.Delivery{Type: tunnel.DeliveryLocal}, Message: buf.From(lookup)},
		elsewhere,
		sealed(t, theirs, to, "good", Ports{}),
	})
	if len(r.arrivals) != 1 || !slices.Equal(r.arrivals[0].packets, []string{"good"}) {
		t.Errorf("got %v", r.arrivals)
	}
	for name, n := range map[string]uint64{
		"malformed": s.stats.malformed.Load(), "refused type": s.stats.refusedType.Load(), "refused delivery": s.stats.refusedDelivery.Load(),
	} {
		if n != 1 {
			t.Errorf("%s: %d, want 1", name, n)
		}
	}
}

// Without a handler, before Serve, packets are released.
func TestPacketsBeforeServeAreDropped(t *testing.T) {
	s, _, theirs, to := pair(t)
	s.handler.Store(nil)
	s.Received(nil, []pool.Delivered{sealed(t, theirs, to, "early", Ports{})})
	if got := s.stats.received.Load(); got != 1 {
		t.Errorf("%d received", got)
	}
}
