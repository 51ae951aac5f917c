package transit_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/build"
	"clove.i2p/router/tunnel/transit"
)

// bubble runs a test with a network of n routers under synctest and looks for lost buffers at its end.
func bubble(t *testing.T, n int, test func(t *testing.T, net *network, r []*node)) {
	t.Helper()
	before := buf.InUse()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		var nodes []*node
		for range n {
			nodes = append(nodes, net.node(transit.Config{}, limits))
		}
		net.run()
		test(t, net, nodes)
	})
	if got := buf.InUse(); got != before {
		t.Errorf("%d buffers lost", got-before)
	}
}

func allAgree(t *testing.T, v []byte, n int) {
	t.Helper()
	if len(v) != n || slices.Max(v) != build.Agreed {
		t.Fatalf("verdicts %v", v)
	}
}

func TestOutboundTunnel(t *testing.T) {
	for name, long := range map[string]bool{"short": false, "long": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 3, func(t *testing.T, net *network, r []*node) {
				pending := net.request(plan(long, false, r...))
				allAgree(t, net.verdicts(pending, false), 3)

				gw := tunnel.NewGateway(r[0].hash, 100, pending.Layers(), tunnel.Creator)
				now := net.clock.Now()
				for _, size := range []int{10, 2000, 50000} {
					msg := garlicMessage(now, size)
					net.send(creator, r[0].hash, gw.Append(nil, tunnel.Delivery{Type: tunnel.DeliveryRouter, Router: stranger}, msg, now)...)
					if got := net.letter(stranger); !bytes.Equal(got, msg) {
						t.Fatalf("%d bytes of %d", len(got), len(msg))
					}
					net.send(creator, r[0].hash, gw.Append(nil, tunnel.Delivery{Type: tunnel.DeliveryTunnel, Router: creator, Tunnel: 4711}, msg, now)...)
					if got := net.unwrap(net.letter(creator)); !bytes.Equal(got, msg) {
						t.Fatalf("%d bytes of %d", len(got), len(msg))
					}
				}
				if s := r[0].table.Stats(); s.Participant.Tunnels != 1 || s.Participant.Messages != 110 || s.Participant.Bytes != 110*1037 {
					t.Errorf("participant %+v", s)
				}
				if s := r[2].table.Stats(); s.OutboundEndpoint.Tunnels != 1 || s.OutboundEndpoint.Messages != 110 || len(s.Dropped) > 0 {
					t.Errorf("endpoint %+v", s)
				}
			})
		})
	}
}

func TestInboundTunnel(t *testing.T) {
	for name, long := range map[string]bool{"short": false, "long": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 3, func(t *testing.T, net *network, r []*node) {
				pending := net.request(plan(long, true, r...))
				allAgree(t, net.verdicts(pending, true), 3)

				end := tunnel.NewEndpoint(pending.Layers(), tunnel.Creator)
				now := net.clock.Now()
				var batch []*buf.Buf
				var want [][]byte
				for _, size := range []int{10, 100, 2000, 30} {
					msg := garlicMessage(now, size)
					b := buf.From(msg)
					if err := tunnel.WrapGateway(b, 100, now); err != nil {
						t.Fatal(err)
					}
					batch, want = append(batch, b), append(want, msg)
				}
				net.send(stranger, r[0].hash, batch...)
				var got [][]byte
				letters := net.letters(creator)
				for _, l := range letters {
					id, data, err := tunnel.ParseID(l)
					if err != nil || id != 4711 {
						t.Fatalf("tunnel %d, %v", id, err)
					}
					err = end.Process(data, now, func(d tunnel.Delivery, b *buf.Buf) {
						got = append(got, bytes.Clone(b.Bytes()))
						b.Release()
					})
					if err != nil {
						t.Fatal(err)
					}
				}
				if !slices.EqualFunc(got, want, bytes.Equal) {
					t.Fatalf("%d messages of %d", len(got), len(want))
				}
				if len(letters) != 3 {
					t.Errorf("%d tunnel messages; a batch should share them", len(letters))
				}
				if s := r[0].table.Stats(); s.InboundGateway.Tunnels != 1 || s.InboundGateway.Messages != 3 {
					t.Errorf("gateway %+v", s)
				}
			})
		})
	}
}

func TestOneRouterTwiceInATunnel(t *testing.T) {
	for name, inbound := range map[string]bool{"outbound": false, "inbound": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, net *network, r []*node) {
				allAgree(t, net.verdicts(net.request(plan(false, inbound, r[0], r[1], r[0])), inbound), 3)
			})
		})
	}
}

func TestEndpointThatIsTheReplyGateway(t *testing.T) {
	bubble(t, 2, func(t *testing.T, net *network, r []*node) {
		// An inbound tunnel with gateway r[1], then an outbound one whose endpoint is r[1] and that replies into it.
		inbound := net.request(plan(false, true, r[1]))
		allAgree(t, net.verdicts(inbound, true), 1)
		p := plan(false, false, r...)
		p.Hops[1].ReceiveTunnel, p.Hops[0].NextTunnel = 200, 200
		p.Hops[1].Next, p.Hops[1].NextTunnel = r[1].hash, 100
		outbound := net.request(p)
		synctest.Wait()
		end := tunnel.NewEndpoint(inbound.Layers(), tunnel.Creator)
		var reply []byte
		for _, l := range net.letters(creator) {
			_, data, err := tunnel.ParseID(l)
			if err != nil {
				t.Fatal(err)
			}
			if err := end.Process(data, net.clock.Now(), func(_ tunnel.Delivery, b *buf.Buf) {
				reply = bytes.Clone(b.Bytes())
				b.Release()
			}); err != nil {
				t.Fatal(err)
			}
		}
		h, payload, err := i2np.ParseShort(reply)
		if err != nil || h.Type != i2np.TypeOutboundTunnelBuildReply {
			t.Fatalf("%v, %v", h.Type, err)
		}
		v, err := outbound.Reply(payload)
		if err != nil {
			t.Fatal(err)
		}
		allAgree(t, v, 2)
	})
}

func TestEndpointDeliversToItself(t *testing.T) {
	bubble(t, 1, func(t *testing.T, net *network, r []*node) {
		pending := net.request(plan(false, false, r[0]))
		allAgree(t, net.verdicts(pending, false), 1)
		gw := tunnel.NewGateway(r[0].hash, 100, pending.Layers(), tunnel.Creator)
		now := net.clock.Now()
		msg := garlicMessage(now, 100)
		data := append(i2np.NewHeader(i2np.TypeTunnelData, now).AppendShort(nil), make([]byte, tunnel.MessageSize)...)
		self := tunnel.Delivery{Type: tunnel.DeliveryRouter, Router: r[0].hash}
		net.send(creator, r[0].hash, gw.AppendBatch(nil, []tunnel.Outgoing{
			{Delivery: self, Message: msg},
			{Delivery: tunnel.Delivery{Type: tunnel.DeliveryTunnel, Router: r[0].hash, Tunnel: 7}, Message: msg},
			{Delivery: self, Message: data},
			{Delivery: tunnel.Delivery{}, Message: msg},
		}, now)...)
		if len(r[0].injected) != 2 || !bytes.Equal(r[0].injected[0], msg) || i2np.Type(r[0].injected[1][0]) != i2np.TypeTunnelGateway {
			t.Fatalf("%d messages injected", len(r[0].injected))
		}
		if d := r[0].table.Stats().Dropped; d["malformed"] != 1 || d["local delivery"] != 1 {
			t.Fatalf("TunnelData to itself and LOCAL delivery: %v", d)
		}
	})
}

func TestTunnelsExpire(t *testing.T) {
	bubble(t, 3, func(t *testing.T, net *network, r []*node) {
		pending := net.request(plan(false, false, r...))
		allAgree(t, net.verdicts(pending, false), 3)
		gw := tunnel.NewGateway(r[0].hash, 100, pending.Layers(), tunnel.Creator)
		// Half of a message stays at the endpoint.
		out := gw.Append(nil, tunnel.Delivery{}, garlicMessage(net.clock.Now(), 1500), net.clock.Now())
		net.send(creator, r[0].hash, out[0])
		out[1].Release()

		time.Sleep(10*time.Minute + 59*time.Second)
		if n := r[0].table.Len(); n != 1 {
			t.Fatalf("%d tunnels before their time", n)
		}
		time.Sleep(30 * time.Second)
		for i := range r {
			s := r[i].table.Stats()
			if r[i].table.Len() != 0 || s.Participant.Tunnels+s.OutboundEndpoint.Tunnels != 0 || len(r[i].table.Tunnels()) != 0 {
				t.Fatalf("hop %d: %+v", i, s)
			}
		}
		late := gw.Append(nil, tunnel.Delivery{}, garlicMessage(net.clock.Now(), 10), net.clock.Now())
		if r[0].table.Data(creator, late[0]) {
			t.Fatal("an expired tunnel took a message")
		}
		late[0].Release()
	})
}

func TestStatus(t *testing.T) {
	bubble(t, 2, func(t *testing.T, net *network, r []*node) {
		pending := net.request(plan(false, false, r...))
		allAgree(t, net.verdicts(pending, false), 2)
		time.Sleep(time.Minute)
		gw := tunnel.NewGateway(r[0].hash, 100, pending.Layers(), tunnel.Creator)
		net.send(creator, r[0].hash, gw.Append(nil, tunnel.Delivery{}, garlicMessage(net.clock.Now(), 10), net.clock.Now())...)
		got := r[0].table.Tunnels()
		want := transit.Status{ID: 100, Role: build.Participant, Previous: creator, Next: r[1].hash, NextTunnel: 101,
			Age: time.Minute, Expires: 10 * time.Minute, Messages: 1, Bytes: 1037}
		if len(got) != 1 || got[0] != want {
			t.Fatalf("%+v", got)
		}
		if s := r[1].table.Tunnels()[0]; s.Role != build.OutboundEndpoint || s.Next != (i2p.Hash{}) || s.Previous != r[0].hash {
			t.Fatalf("%+v", s)
		}
	})
}
