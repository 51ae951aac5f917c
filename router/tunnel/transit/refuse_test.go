package transit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/build"
	"clove.i2p/router/tunnel/transit"
)

func TestRejectionIsAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		cfg     transit.Config
		bw      bandwidth.Config
		prepare func(r *node)
		ask     build.Bandwidth
		want    string
	}{
		"disabled": {cfg: transit.Config{Disabled: true}, bw: limits, want: "disabled"},
		"draining": {bw: limits, prepare: func(r *node) { r.table.Drain() }, want: "disabled"},
		"reserved": {bw: limits, prepare: func(r *node) { r.reserved = 100 }, want: "id taken"},
		"no target": {cfg: transit.Config{PeerBurst: 1, PeerRate: 1e-9}, bw: limits, prepare: func(r *node) {
			// Another previous hop has used up what the next hop gets.
			p := plan(false, true, r)
			p.Hops[0].ReceiveTunnel = 555
			pending, err := build.New(p, r.net.clock.Now())
			if err != nil {
				r.net.t.Fatal(err)
			}
			r.table.Build(stranger, buf.From(r.net.requestMessage(pending, r.net.clock.Now())))
			synctest.Wait()
			r.net.letter(creator)
		}, want: "target rate"},
		"bandwidth": {bw: bandwidth.Config{Inbound: 100e3, Outbound: 100e3, Share: 50}, ask: build.Bandwidth{Min: 60}, want: "bandwidth"},
		"congested": {bw: bandwidth.Config{Inbound: 100e3, Outbound: 100e3, Share: 50}, prepare: func(r *node) {
			for range 1000 {
				r.limiter.AllowTransit(50e3)
				time.Sleep(time.Second)
				r.limiter.TransitLoad()
			}
		}, want: "congested"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newNetwork(t)
				r := net.node(c.cfg, c.bw)
				net.run()
				if c.prepare != nil {
					c.prepare(r)
				}
				p := plan(false, true, r)
				p.Bandwidth = c.ask
				pending := net.request(p)
				if v := net.verdicts(pending, true); v[0] != build.RejectBandwidth {
					t.Errorf("verdict %d", v[0])
				}
				if s := r.table.Stats(); s.Rejected[c.want] != 1 {
					t.Errorf("%+v", s.Rejected)
				}
			})
		})
	}
}

func TestTableFullIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		r := net.node(transit.Config{MaxTunnels: 10}, limits)
		net.run()
		agreed := 0
		for i := range 200 {
			p := plan(false, true, r)
			p.Hops[0].ReceiveTunnel = i2p.TunnelID(1000 + i)
			if net.verdicts(net.request(p), true)[0] == build.Agreed {
				agreed++
			}
		}
		if agreed != 10 || r.table.Len() != 10 || r.table.Load() != 1 {
			t.Fatalf("%d agreed, %d tunnels, load %v", agreed, r.table.Len(), r.table.Load())
		}
	})
}

func TestTunnelIDIsTakenOnce(t *testing.T) {
	bubble(t, 1, func(t *testing.T, net *network, r []*node) {
		allAgree(t, net.verdicts(net.request(plan(false, true, r[0])), true), 1)
		if v := net.verdicts(net.request(plan(false, true, r[0])), true); v[0] != build.RejectBandwidth {
			t.Fatalf("verdict %d", v[0])
		}
	})
}

func TestBandwidthOnOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		r := net.node(transit.Config{}, bandwidth.Config{Inbound: 1e6, Outbound: 1e6, Share: 80})
		net.run()
		p := plan(false, true, r)
		p.Bandwidth = build.Bandwidth{Min: 10, Requested: 100}
		pending := net.request(p)
		allAgree(t, net.verdicts(pending, true), 1)
		if got := pending.Available(0); got != 800 {
			t.Fatalf("%d KB/s on offer", got)
		}
	})
}

func TestRequestsWithoutAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		send func(t *testing.T, net *network, r *node)
		want map[string]uint64
	}{
		"not for us": {func(t *testing.T, net *network, r *node) {
			p, err := build.New(plan(false, true, net.node(transit.Config{}, limits)), net.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			r.table.Build(stranger, buf.From(net.requestMessage(p, net.clock.Now())))
		}, map[string]uint64{"malformed": 1}},
		"garbage": {func(t *testing.T, net *network, r *node) {
			for _, n := range []int{0, 8, 9, 10, 883, 5000} {
				b := buf.GetFor(n)
				clear(b.Extend(n))
				if n > 0 {
					b.Bytes()[0] = byte(i2np.TypeShortTunnelBuild)
				}
				r.table.Build(stranger, b)
			}
			r.table.Build(stranger, buf.From(garlicMessage(net.clock.Now(), 100)))
		}, map[string]uint64{"malformed": 4, "expired": 3}},
		"replayed": {func(t *testing.T, net *network, r *node) {
			p, err := build.New(plan(false, true, r), net.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				r.table.Build(stranger, buf.From(net.requestMessage(p, net.clock.Now())))
			}
		}, map[string]uint64{"replayed": 2}},
		"expired": {func(t *testing.T, net *network, r *node) {
			p, err := build.New(plan(false, true, r), net.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			r.table.Build(stranger, buf.From(net.requestMessage(p, net.clock.Now().Add(-2*time.Minute))))
		}, map[string]uint64{"expired": 1}},
		"old request in a new message": {func(t *testing.T, net *network, r *node) {
			p, err := build.New(plan(false, true, r), net.clock.Now().Add(-10*time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			r.table.Build(stranger, buf.From(net.requestMessage(p, net.clock.Now())))
		}, map[string]uint64{"expired": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, net *network, r []*node) {
				c.send(t, net, r[0])
				synctest.Wait()
				got := r[0].table.Stats().Refused
				for why, n := range c.want {
					if got[why] != n {
						t.Errorf("%v, want %v", got, c.want)
					}
				}
			})
		})
	}
}

func TestFloodOfBuildsCostsOnlyTheFlooder(t *testing.T) {
	before := buf.InUse()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		r := net.node(transit.Config{Queue: 32, PeerBurst: 100, PeerRate: 1}, limits)
		// Nobody works yet: the queue fills.
		junk := append(i2np.NewHeader(i2np.TypeShortTunnelBuild, net.clock.Now()).AppendShort(nil), make([]byte, 1+4*218)...)
		for range 1000 {
			r.table.Build(stranger, buf.From(junk))
		}
		s := r.table.Stats()
		if s.Queued != 32 || s.Refused["peer rate"] != 900 || s.Refused["queue full"] != 68 {
			t.Fatalf("%+v", s)
		}
		pending := net.request(plan(false, true, r))
		net.run()
		allAgree(t, net.verdicts(pending, true), 1)
	})
	if got := buf.InUse(); got != before {
		t.Errorf("%d buffers lost", got-before)
	}
}

func TestRequestsThatWaitedTooLongAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		r := net.node(transit.Config{}, limits)
		net.request(plan(false, true, r))
		time.Sleep(3 * time.Second)
		net.run()
		synctest.Wait()
		if s := r.table.Stats(); s.Refused["waited too long"] != 1 || r.table.Len() != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestMessagesThatGoNoFurther(t *testing.T) {
	now := time.Now
	for name, c := range map[string]struct {
		send func(t *testing.T, r []*node, gw *tunnel.Gateway) // one message that is dropped
		at   int
		want string
	}{
		"replayed": {func(t *testing.T, r []*node, gw *tunnel.Gateway) {
			b := gw.Append(nil, tunnel.Delivery{}, garlicMessage(now(), 10), now())[0]
			again := buf.From(b.Bytes())
			r[0].table.Data(creator, b)
			r[0].table.Data(creator, again)
		}, 0, "replayed"},
		"from another peer": {func(t *testing.T, r []*node, gw *tunnel.Gateway) {
			r[0].table.Data(creator, gw.Append(nil, tunnel.Delivery{}, garlicMessage(now(), 10), now())[0])
			r[0].table.Data(stranger, gw.Append(nil, tunnel.Delivery{}, garlicMessage(now(), 10), now())[0])
		}, 0, "wrong peer"},
		"from another peer, at the endpoint": {func(t *testing.T, r []*node, gw *tunnel.Gateway) {
			r[0].table.Data(creator, gw.Append(nil, tunnel.Delivery{}, garlicMessage(now(), 10), now())[0])
			b := buf.From(append(i2np.NewHeader(i2np.TypeTunnelData, now()).AppendShort(nil), make([]byte, 1028)...))
			b.Bytes()[12] = 101
			r[1].table.Data(stranger, b)
		}, 1, "wrong peer"},
		"tampered": {func(t *testing.T, r []*node, gw *tunnel.Gateway) {
			b := gw.Append(nil, tunnel.Delivery{}, garlicMessage(now(), 10), now())[0]
			b.Bytes()[500] ^= 1
			r[0].table.Data(creator, b)
		}, 1, "checksum"},
		"expired": {func(t *testing.T, r []*node, gw *tunnel.Gateway) {
			r[0].table.Data(creator, gw.Append(nil, tunnel.Delivery{}, garlicMessage(now(), 10), now().Add(-2*time.Minute))[0])
		}, 0, "expired"},
		"expired inside": {func(t *testing.T, r []*node, gw *tunnel.Gateway) {
			r[0].table.Data(creator, gw.Append(nil, tunnel.Delivery{Type: tunnel.DeliveryRouter, Router: stranger}, garlicMessage(now().Add(-2*time.Minute), 10), now())[0])
		}, 1, "expired"},
		"cut": {func(t *testing.T, r []*node, gw *tunnel.Gateway) {
			b := gw.Append(nil, tunnel.Delivery{}, garlicMessage(now(), 10), now())[0]
			b.Truncate(b.Len() - 1)
			r[0].table.Data(creator, b)
		}, 0, "malformed"},
		"gateway message for a participant": {func(t *testing.T, r []*node, gw *tunnel.Gateway) {
			b := buf.From(garlicMessage(now(), 10))
			if err := tunnel.WrapGateway(b, 100, now()); err != nil {
				t.Fatal(err)
			}
			if !r[0].table.Gateway(stranger, b) {
				t.Error("not taken")
			}
		}, 0, "wrong role"},
		"beyond the bandwidth": {func(t *testing.T, r []*node, gw *tunnel.Gateway) {
			for r[0].limiter.AllowTransit(1000) {
			}
			r[0].table.Data(creator, gw.Append(nil, tunnel.Delivery{}, garlicMessage(now(), 10), now())[0])
		}, 0, "bandwidth"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, net *network, r []*node) {
				pending := net.request(plan(false, false, r...))
				allAgree(t, net.verdicts(pending, false), 2)
				c.send(t, r, tunnel.NewGateway(r[0].hash, 100, pending.Layers(), tunnel.Creator))
				if got := r[c.at].table.Stats().Dropped; got[c.want] != 1 {
					t.Fatalf("%v", got)
				}
				if len(net.letters(stranger)) > 0 {
					t.Fatal("it was delivered")
				}
			})
		})
	}
}

func TestWhatIsNotOurs(t *testing.T) {
	bubble(t, 1, func(t *testing.T, net *network, r []*node) {
		allAgree(t, net.verdicts(net.request(plan(false, true, r[0])), true), 1)
		now := net.clock.Now()
		data := func(id byte) *buf.Buf {
			b := buf.From(append(i2np.NewHeader(i2np.TypeTunnelData, now).AppendShort(nil), make([]byte, 1028)...))
			b.Bytes()[12] = id
			return b
		}
		gateway := func(id i2p.TunnelID) *buf.Buf {
			b := buf.From(garlicMessage(now, 10))
			if err := tunnel.WrapGateway(b, id, now); err != nil {
				t.Fatal(err)
			}
			return b
		}
		msgs := []*buf.Buf{data(7), gateway(100), buf.From(garlicMessage(now, 10)), gateway(8), data(100), buf.From([]byte{18}), buf.Get()}
		want := []*buf.Buf{msgs[0], msgs[2], msgs[3], msgs[5], msgs[6]}
		rest := r[0].table.DataBatch(stranger, msgs)
		if len(rest) != len(want) {
			t.Fatalf("%d messages left of %d", len(rest), len(want))
		}
		for i := range rest {
			if rest[i] != want[i] {
				t.Fatalf("message %d is another", i)
			}
			rest[i].Release()
		}
		if got := net.letters(creator); len(got) != 1 {
			t.Fatalf("%d tunnel messages", len(got))
		}
		if r[0].table.Data(stranger, want[0]) || r[0].table.Gateway(stranger, want[0]) {
			t.Fatal("took what it does not know")
		}
	})
}

func TestConfigAndDepsAreChecked(t *testing.T) {
	net := newNetwork(t)
	r := net.node(transit.Config{}, limits)
	_ = r
	if _, err := transit.New(transit.Config{Queue: -1}, transit.Deps{}); err == nil {
		t.Error("negative queue taken")
	}
	if _, err := transit.New(transit.Config{}, transit.Deps{}); err == nil {
		t.Error("no dependencies taken")
	}
}
