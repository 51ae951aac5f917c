package pool

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// sender notes to whom messages go.
type sender struct{ to []i2p.Hash }

func (s *sender) Send(to i2p.Hash, msgs ...*buf.Buf) {
	for _, m := range msgs {
		s.to = append(s.to, to)
		m.Release()
	}
}

// crowd is as many routers as a tunnel wants.
type crowd struct{ t *testing.T }

func (c crowd) Hops(_ Direction, n int) (list []*i2p.RouterInfo, err error) {
	for range n {
		k, err := i2p.NewRouterKeys()
		if err != nil {
			c.t.Fatal(err)
		}
		ri, err := i2p.NewRouterInfo(k, time.Now(), nil, map[string]string{"router.version": "0.9.67"})
		if err != nil {
			c.t.Fatal(err)
		}
		list = append(list, ri)
	}
	return list, nil
}
func (crowd) Replied(i2p.Hash, byte)  {}
func (crowd) TimedOut([]i2p.Hash)     {}
func (crowd) Tested([]i2p.Hash, bool) {}

func newPool(t *testing.T, table *Table, to Sender, length int, fallback *Pool) *Pool {
	t.Helper()
	shape := Shape{Length: length, Quantity: 1}
	p, err := New(Config{Inbound: shape, Outbound: shape}, Deps{
		Self: i2p.Hash{1}, Clock: clock.New(), Peers: crowd{t}, Sender: to, Table: table, Owner: new(listener), Fallback: fallback,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The gateway of a client's tunnel is named in the LeaseSet: a request that came to it straight from this router would
// tell it where the destination is.
func TestClientBuildsGoThroughTunnelsOnly(t *testing.T) {
	table, sent := NewTable(), new(sender)
	exploratory := newPool(t, table, sent, 2, nil)
	client := newPool(t, table, sent, 2, exploratory)
	for _, d := range []Direction{Inbound, Outbound} {
		if err := client.build(d, time.Now()); !errors.Is(err, ErrNoTunnel) {
			t.Errorf("%s without any tunnel to build with: %v", d, err)
		}
	}
	if len(sent.to) != 0 || len(table.pending) != 0 || len(table.inbound) != 0 {
		t.Errorf("%d messages, %d builds, %d tunnels", len(sent.to), len(table.pending), len(table.inbound))
	}
	if err := exploratory.build(Inbound, time.Now()); err != nil || len(sent.to) != 1 {
		t.Errorf("the first exploratory tunnel: %v, %d messages", err, len(sent.to))
	}
}

// Only the way that a reply was asked for completes a build.
func TestReplyCountsTheWayItWasToComeOnly(t *testing.T) {
	table, sent := NewTable(), new(sender)
	p := newPool(t, table, sent, 2, nil)
	way := func() (i2np.MessageID, Way) {
		for id, a := range table.pending {
			return id, a.by
		}
		t.Fatal("no build is under way")
		return 0, Way{}
	}
	if err := p.build(Inbound, time.Now()); err != nil {
		t.Fatal(err)
	}
	id, by := way()
	if last := p.pending[Inbound][0].tunnel.hops[1]; by != (Way{Router: last}) {
		t.Errorf("reply of an inbound tunnel by %v, want its last hop", by)
	}
	refused := func(by Way) {
		t.Helper()
		if table.Reply(id, nil, by) || !table.Pending(id) {
			t.Errorf("a reply that came by %v counts", by)
		}
	}
	refused(Way{})
	refused(Way{Router: i2p.Hash{5}})
	refused(Way{Tunnel: new(Tunnel)})
	if !table.Reply(id, nil, by) || table.Pending(id) {
		t.Error("the reply does not count")
	}
	back, _ := inboundTunnel(p.owner)
	back.created, back.gatewayRouter, back.gatewayTunnel = time.Now(), i2p.Hash{9}, 3
	p.tunnels[Inbound] = append(p.tunnels[Inbound], back)
	if err := p.build(Outbound, time.Now()); err != nil {
		t.Fatal(err)
	}
	id, by = way()
	if by != (Way{Tunnel: back}) {
		t.Errorf("reply of an outbound tunnel by %v, want the inbound tunnel", by)
	}
	refused(Way{Router: p.pending[Outbound][0].tunnel.hops[1]})
	refused(Way{Tunnel: new(Tunnel)})
	if !table.Reply(id, nil, by) {
		t.Error("the reply does not count")
	}
}
