package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// peerAt is a peer of a test by number.
func peerAt(n int) i2p.Hash { return i2p.Hash{0xee, byte(n >> 8), byte(n)} }

// fill opens inbound sessions at the addresses, in turn, as a transport does: Admit, then Opened.
func fill(tr *fake, first int, addresses ...string) (opened []*session) {
	for i, ip := range addresses {
		if !transport.AdmitFrom(tr.reg, peerAt(first+i), netip.MustParseAddr(ip)) {
			continue
		}
		if s, err := tr.openFrom(peerAt(first+i), transport.Inbound, ip); err == nil {
			opened = append(opened, s)
		}
	}
	return opened
}

// spread are addresses of n networks, IPv4 and IPv6 in turn.
func spread(n int) (all []string) {
	for i := range n {
		if i%2 == 0 {
			all = append(all, fmt.Sprintf("11.%d.%d.1", i/256, i%256))
		} else {
			all = append(all, fmt.Sprintf("2600:%x::1", i))
		}
	}
	return all
}

// crowd are n addresses of one network.
func crowd(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("12.0.0.%d", i%256))
	}
	return all
}

func alive(all []*session) (n int) {
	for _, s := range all {
		if s.reasons() == nil {
			n++
		}
	}
	return n
}

// 64 places, of which 56 are for inbound sessions.
var small = transport.Config{MaxSessions: 64, IdleTimeout: time.Hour}

func TestWhoFillsTheTableFromOneNetworkPushesOutHisOwn(t *testing.T) {
	serving(t, small, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		honest := fill(tr, 0, spread(40)...)
		attack := fill(tr, 1000, crowd(2000)...)
		if alive(honest) != 40 || m.Stats().Inbound != 56 {
			t.Fatalf("%d honest sessions are left of %d", alive(honest), m.Stats().Inbound)
		}
		// He keeps his sessions busy: honest newcomers get in for all that, until he has no more than his share.
		time.Sleep(time.Second)
		for _, s := range attack {
			s.touch()
		}
		late := fill(tr, 500, slices.Collect(func(yield func(string) bool) {
			for i := range 100 {
				if !yield(fmt.Sprintf("13.%d.0.1", i)) {
					return
				}
			}
		})...)
		if alive(honest) != 40 || alive(late) != 12 || alive(attack) != 4 {
			t.Errorf("honest %d, late %d, attack %d", alive(honest), alive(late), alive(attack))
		}
		// For our own dials there is room.
		for range 8 {
			if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
				t.Error(err)
			}
		}
		if st := m.Stats(); st.Evicted == 0 || st.Styles[0].Evicted != st.Evicted || st.Inbound != 56 || st.Outbound != 8 {
			t.Errorf("%+v", st)
		}
	})
}

func TestTheMostIdleSessionGoes(t *testing.T) {
	serving(t, small, func(t *testing.T, m *transport.Mux, _ *peers, tr *fake, _ *profiles) {
		all := fill(tr, 0, spread(57)...)
		if len(all) != 56 {
			t.Fatalf("%d sessions", len(all))
		}
		time.Sleep(3 * time.Minute)
		for i, s := range all {
			if i != 17 && i != 18 {
				s.touch()
			}
		}
		m.Send(peerAt(17), msg("ours")) // it carries something of our own
		if n := len(fill(tr, 100, "14.0.0.1", "14.0.1.1")); n != 1 {
			t.Errorf("%d newcomers", n)
		}
		if !slices.Equal(all[18].reasons(), []transport.Reason{transport.ReasonIdle}) || alive(all) != 55 {
			t.Errorf("%d are left", alive(all))
		}
		time.Sleep(10 * time.Minute) // long ago; all are idle now
		if n := len(fill(tr, 200, spread(300)[100:]...)); n < 50 {
			t.Errorf("%d newcomers", n)
		}
		if all[17].reasons() == nil {
			t.Error("what we sent once keeps a session for ever")
		}
	})
}

func TestTheMostCrowdedNetworkLosesItsMostIdleSession(t *testing.T) {
	serving(t, small, func(t *testing.T, _ *transport.Mux, _ *peers, tr *fake, _ *profiles) {
		honest := fill(tr, 0, spread(51)...)
		group := fill(tr, 100, crowd(5)...)
		time.Sleep(10 * time.Minute)
		for i, s := range group {
			if i != 2 {
				s.touch()
			}
		}
		time.Sleep(3 * time.Minute)
		group[2].mu.Lock()
		group[2].active = group[2].active.Add(2 * time.Minute) // less idle than the honest ones, more than its group
		group[2].mu.Unlock()
		if n := len(fill(tr, 200, "14.0.0.1")); n != 1 || alive(honest) != 51 || group[2].reasons() == nil {
			t.Errorf("%d newcomers, honest %d, group %d", n, alive(honest), alive(group))
		}
	})
}

func TestBusySessionsStayForThoseWhoAreAsCrowded(t *testing.T) {
	serving(t, small, func(t *testing.T, m *transport.Mux, _ *peers, tr *fake, _ *profiles) {
		first := fill(tr, 0, crowd(28)...)
		var other []string
		for i := range 28 {
			other = append(other, fmt.Sprintf("15.0.0.%d", i))
		}
		second := fill(tr, 100, other...)
		first[0].Close(transport.ReasonNormal)
		fill(tr, 200, "16.0.0.1")
		// 27, 28 and 1, all busy: the smaller of the two would come to 28.
		if n := len(fill(tr, 300, "12.0.0.99")); n != 0 {
			t.Error("a newcomer of a group that would be as crowded")
		}
		if n := len(fill(tr, 400, "15.0.0.99")); n != 0 {
			t.Error("a newcomer of the most crowded group, for a busy session of it")
		}
		if n := len(fill(tr, 500, "17.0.0.1")); n != 1 || alive(second) != 27 || alive(first) != 27 {
			t.Errorf("%d newcomers, groups %d and %d", n, alive(first), alive(second))
		}
	})
}

func TestOurOwnDialsAreNotEvicted(t *testing.T) {
	serving(t, small, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		for range 20 {
			if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
				t.Fatal(err)
			}
		}
		in := fill(tr, 0, spread(36)...)
		time.Sleep(4 * time.Minute)
		for _, s := range in {
			s.touch()
		}
		if n := len(fill(tr, 100, "14.0.0.1")); n != 0 || m.Stats().Outbound != 20 || alive(in) != 36 {
			t.Errorf("%d newcomers, %+v", n, m.Stats())
		}
		time.Sleep(10 * time.Minute) // long after we sent the last message
		for _, s := range in {
			s.touch()
		}
		if n := len(fill(tr, 200, "14.0.0.1")); n != 1 || m.Stats().Outbound != 19 || alive(in) != 36 {
			t.Errorf("%d newcomers, %+v", n, m.Stats())
		}
	})
}

// Strangers choose to whom we forward. However many routers they name, there is room for our dials and for inbound sessions.
func TestForwardedMessagesDoNotFillTheTable(t *testing.T) {
	for name, named := range map[string]int{"one after another": 1, "at once": 30} {
		serving(t, small, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
			tr.dial = func(context.Context, *i2p.RouterInfo) error { time.Sleep(time.Second); return nil }
			for range 120 / named {
				for range named {
					m.Forward(known.add(t, nil), msg("x"))
				}
				time.Sleep(2 * time.Second)
			}
			if n := m.Stats().Outbound; n != 56 {
				t.Errorf("%s: %d sessions for others", name, n)
			}
			for range 8 {
				if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
					t.Errorf("%s: our own: %v", name, err)
				}
			}
			time.Sleep(3 * time.Minute) // those for others are idle
			if n := len(fill(tr, 0, spread(20)...)); n != 20 {
				t.Errorf("%s: %d inbound sessions", name, n)
			}
			for range 8 {
				if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
					t.Errorf("%s: our own after a while: %v", name, err)
				}
			}
			m.Forward(known.add(t, nil), msg("x"))
			time.Sleep(2 * time.Second)
			if st := m.Stats(); st.Inbound+st.Outbound != 64 || st.Inbound != 20 {
				t.Errorf("%s: %+v", name, st)
			}
		})
	}
}

// Nor do the introducers that lead to those routers.
func TestIntroducersForForwardedMessagesDoNotFillTheTable(t *testing.T) {
	for name, named := range map[string]int{"one after another": 1, "at once": 30} {
		serving(t, small, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
			var introducers atomic.Int32
			tr.dial = func(ctx context.Context, _ *i2p.RouterInfo) error {
				time.Sleep(time.Second)
				for range 3 {
					peer := peerAt(int(introducers.Add(1)))
					if !transport.OpenedBy(ctx, tr.reg, tr.session(peer, transport.Outbound)) {
						return transport.ErrBusy
					}
				}
				return nil
			}
			for range 120 / named {
				for range named {
					m.Forward(known.add(t, nil), msg("x"))
				}
				time.Sleep(2 * time.Second)
			}
			if n := m.Stats().Outbound; n > 56 || n < 40 {
				t.Errorf("%s: %d sessions for others", name, n)
			}
			for range 2 { // with three introducers each
				if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
					t.Errorf("%s: our own: %v", name, err)
				}
			}
		})
	}
}

// A session that was dialled for others is ours if something of our own came to wait for it.
func TestForwardedDialThatWeNeedMakesASessionOfOurs(t *testing.T) {
	serving(t, small, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		slow := known.add(t, nil)
		look := make(chan struct{})
		tr.dial = func(_ context.Context, ri *i2p.RouterInfo) error {
			if ri.Hash() == slow {
				<-look
			}
			return nil
		}
		m.Forward(slow, msg("x"))
		synctest.Wait()
		in := fill(tr, 0, spread(56)...)
		m.Send(slow, msg("ours"))
		close(look)
		synctest.Wait()
		time.Sleep(3 * time.Minute)
		for _, s := range in {
			s.touch() // it is the only one that is idle
		}
		if n := len(fill(tr, 100, "14.0.0.1")); n != 0 || !m.Connected(slow) {
			t.Errorf("%d newcomers; what we sent counts for nothing", n)
		}
	})
}

// One transport is at its limit, the table is not: our dial takes the place of an idle stranger.
func TestOurDialMakesRoomInItsTransport(t *testing.T) {
	cfg := transport.Config{MaxOf: map[string]int{"NTCP2": 8}, IdleTimeout: time.Hour}
	serving(t, cfg, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		in := fill(tr, 0, spread(7)...)
		time.Sleep(10 * time.Minute)
		for i := range 8 {
			if err := m.Connect(t.Context(), known.add(t, nil)); err != nil {
				t.Fatalf("dial %d: %v", i, err)
			}
		}
		if st := m.Stats(); st.Outbound != 8 || alive(in) != 0 {
			t.Errorf("%+v", st)
		}
		if err := m.Connect(t.Context(), known.add(t, nil)); !errors.Is(err, transport.ErrBusy) {
			t.Errorf("none is idle: %v", err)
		}
	})
}

func TestForwardedMessagesDoNotKeepASession(t *testing.T) {
	for _, own := range []bool{true, false} {
		serving(t, small, func(t *testing.T, m *transport.Mux, _ *peers, tr *fake, _ *profiles) {
			all := fill(tr, 0, spread(56)...)
			time.Sleep(3 * time.Minute)
			for i := range all {
				if own {
					m.Send(peerAt(i), msg("x"))
				} else {
					m.Forward(peerAt(i), msg("x"))
				}
			}
			if n := len(fill(tr, 100, "14.0.0.1")); (n == 0) != own {
				t.Errorf("own %v: %d newcomers", own, n)
			}
		})
	}
}

// A full transport makes room among its own sessions only, and a dial of ours may take the place of an idle stranger.
func TestRoomIsMadeWhereItLacks(t *testing.T) {
	a, b := bids("NTCP2", 0), bids("SSU2", 30)
	cfg := transport.Config{MaxSessions: 64, MaxOf: map[string]int{"NTCP2": 16}, IdleTimeout: time.Hour}
	servingBoth(t, cfg, a, b, func(t *testing.T, m *transport.Mux, known *peers, _ *profiles) {
		ssu2 := fill(b.fake, 100, spread(62)[20:]...)
		time.Sleep(time.Minute) // these are the most idle
		ntcp2 := fill(a.fake, 0, spread(14)...)
		if len(ntcp2) != 14 || len(ssu2) != 42 {
			t.Fatal(len(ntcp2), len(ssu2))
		}
		time.Sleep(3 * time.Minute)
		ntcp2[3].touch()
		if n := len(fill(a.fake, 200, "14.0.0.1")); n != 1 || alive(ssu2) != 42 || alive(ntcp2) != 13 {
			t.Errorf("%d newcomers, %d and %d are left", n, alive(ntcp2), alive(ssu2))
		}
		for i := range 20 {
			err := m.Connect(t.Context(), known.add(t, nil))
			if err != nil {
				t.Fatalf("dial %d: %v", i, err)
			}
		}
		if st := m.Stats(); st.Inbound+st.Outbound != 64 || st.Outbound != 20 {
			t.Errorf("%+v", st)
		}
	})
}

func TestBans(t *testing.T) {
	serving(t, transport.Config{NetworkID: 2}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *profiles) {
		bad := errors.New("bad block")
		inSession, dialled := known.add(t, map[string]string{"netId": "2"}), known.add(t, map[string]string{"netId": "2"})
		foreign, refused := known.add(t, map[string]string{"netId": "7"}), known.add(t, map[string]string{"netId": "2"})
		s, _ := tr.open(inSession, transport.Inbound)
		other, _ := tr.open(inSession, transport.Outbound) // a crossed one goes as well
		tr.reg.Closed(s, fmt.Errorf("read: %w", &transport.Violation{Reason: transport.BanProtocol, Err: bad}))
		if !slices.Equal(other.reasons(), []transport.Reason{transport.ReasonBanned}) || m.Connected(inSession) {
			t.Error("a session with a banned peer is left")
		}
		tr.dial = fails(&transport.Violation{Reason: transport.BanSignature, Err: bad})
		if err := m.Connect(t.Context(), dialled); !errors.Is(err, bad) {
			t.Error(err)
		}
		if err := m.Connect(t.Context(), foreign); err == nil {
			t.Error("another network")
		}
		tr.dial = fails(errors.New("handshake does not authenticate"))
		m.Connect(t.Context(), refused)
		m.Ban(peerAt(1), transport.BanSignature, 0)
		synctest.Wait()

		want := map[i2p.Hash]string{inSession: "protocol", dialled: "signature", foreign: "network", peerAt(1): "signature"}
		got := m.Bans()
		for i, b := range got {
			if want[b.Peer] != b.Reason.String() || i > 0 && b.Until.Before(got[i-1].Until) {
				t.Errorf("%+v", b)
			}
		}
		if st := m.Stats(); len(got) != len(want) || st.Bans != 4 || st.Banned != 4 {
			t.Errorf("%d bans, %+v", len(got), st)
		}
		tr.dial = nil
		for peer := range want {
			if tr.reg.Admit(peer) {
				t.Error("admitted")
			}
			if _, err := tr.open(peer, transport.Inbound); err == nil {
				t.Error("opened")
			}
			if err := m.Connect(t.Context(), peer); !errors.Is(err, transport.ErrRefused) {
				t.Error(err)
			}
			if ri, err := known.lookup(t.Context(), peer); err == nil && m.Reachable(ri) {
				t.Error("reachable")
			}
		}
		time.Sleep(35 * time.Minute)
		if err := m.Connect(t.Context(), inSession); err != nil {
			t.Errorf("the ban is over: %v", err)
		}
		m.Ban(dialled, transport.BanProtocol, time.Second) // does not shorten the other one
		time.Sleep(time.Minute)
		if tr.reg.Admit(dialled) {
			t.Error("a ban was shortened")
		}
		for n := range 5000 {
			m.Ban(peerAt(n), transport.BanProtocol, 0)
		}
		if n := len(m.Bans()); n != 4096 || tr.reg.Admit(foreign) {
			t.Errorf("%d bans; the longest are to stay", n)
		}
	})
}

func BenchmarkAdmitWhenFull(b *testing.B) {
	tr := &fake{style: "SSU2"}
	m, err := transport.New(transport.Config{}, transport.Deps{Transports: []transport.Transport{tr}, Lookup: new(peers).lookup})
	if err != nil {
		b.Fatal(err)
	}
	go m.Serve(b.Context(), sink{})
	<-m.Began()
	for tr.registry() == nil {
	}
	fill(tr, 0, spread(5000)...)
	from := netip.MustParseAddr("14.0.0.1")
	for b.Loop() {
		transport.AdmitFrom(tr.reg, i2p.Hash{1}, from)
	}
}
