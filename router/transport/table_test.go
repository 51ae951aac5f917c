package transport_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

func TestNewInboundSessionReplacesTheOld(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		peer := known.add(t, nil)
		old, _ := tr.open(peer, transport.Inbound)
		fresh, _ := tr.open(peer, transport.Inbound)
		if !slices.Equal(old.reasons(), []transport.Reason{transport.ReasonNormal}) || fresh.reasons() != nil {
			t.Fatal("the old one goes")
		}
		m.Send(peer, msg("a"))
		if len(fresh.messages()) != 1 || !m.Connected(peer) || len(m.Sessions()) != 1 {
			t.Fatal("the new one is used")
		}
		// A peer that we dialled a while ago restarts and dials us.
		time.Sleep(time.Minute)
		again, _ := tr.open(peer, transport.Outbound)
		if fresh.reasons() == nil || again.reasons() != nil {
			t.Fatal("the old one goes, whatever the direction")
		}
	})
}

// A replaceable session has messages that are not acked.
type replaceable struct {
	*session
	unsent []*buf.Buf
}

func (r *replaceable) Replace() []*buf.Buf {
	r.Close(transport.ReasonReplaced)
	return r.unsent
}

func TestReplacedSessionGivesItsMessagesToTheNew(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
		peer := known.add(t, nil)
		old := &replaceable{
			session: &session{t: tr, peer: peer, direction: transport.Inbound, since: time.Now(), active: time.Now()},
			unsent:  []*buf.Buf{msg("a"), msg("b")},
		}
		if !tr.reg.Opened(old) {
			t.Fatal("not admitted")
		}
		fresh, _ := tr.open(peer, transport.Inbound)
		m.Send(peer, msg("c"))
		if got := fresh.messages(); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("the new one got %q", got)
		}
		if !slices.Equal(old.reasons(), []transport.Reason{transport.ReasonReplaced}) {
			t.Errorf("the old one closed with %v", old.reasons())
		}
	})
}

func TestCrossedDialsKeepOneSessionOnBothSides(t *testing.T) {
	for _, inboundFirst := range []bool{false, true} {
		var kept []bool // our outbound session is preferred, by side
		var peer i2p.Hash
		for _, self := range []i2p.Hash{{}, {0xff, 0xff, 0xff, 0xff, 0xff}} {
			serving(t, transport.Config{Self: self}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, _ *profiles) {
				peer = known.add(t, nil)
				dirs := []transport.Direction{transport.Outbound, transport.Inbound}
				if inboundFirst {
					slices.Reverse(dirs)
				}
				s := map[transport.Direction]*session{}
				for _, d := range dirs {
					s[d], _ = tr.open(peer, d)
				}
				in, out := s[transport.Inbound], s[transport.Outbound]
				m.Send(peer, msg("a"))
				if len(in.messages())+len(out.messages()) != 1 || in.reasons() != nil || out.reasons() != nil {
					t.Fatal("both stay, one is used")
				}
				kept = append(kept, len(out.messages()) == 1)
				if want := bytes.Compare(self[:], peer[:]) < 0; kept[len(kept)-1] != want {
					t.Fatal("the router with the lesser hash opens the session that stays")
				}
				if len(self) == 0 || inboundFirst {
					// The peer closes the one that we prefer: the other takes over.
					used, other := in, out
					if len(out.messages()) == 1 {
						used, other = out, in
					}
					used.Close(transport.ReasonNormal)
					m.Send(peer, msg("b"))
					if len(other.messages()) != 1 {
						t.Fatal("the spare session did not take over")
					}
					return
				}
				time.Sleep(time.Minute)
				if (in.reasons() == nil) == (out.reasons() == nil) || len(m.Sessions()) != 1 {
					t.Fatal("the spare session did not end")
				}
			})
		}
		if kept[0] == kept[1] {
			t.Error("the two sides prefer different sessions")
		}
	}
}

func TestInboundSessionEndsADial(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *profiles) {
		to := known.add(t, nil)
		tr.dial = func(context.Context, *i2p.RouterInfo) error { time.Sleep(time.Second); return errors.New("refused") }
		m.Send(to, msg("a"))
		synctest.Wait()
		in, _ := tr.open(to, transport.Inbound)
		if len(in.messages()) != 1 {
			t.Fatal("what waited for the dial went elsewhere")
		}
		time.Sleep(2 * time.Second)
		if a.failures() != 0 || m.Stats().DropDialFailed != 0 {
			t.Error("the failed dial was held against the peer")
		}
	})
}

func TestSessionThatIsRefusedAtOnceIsAFailedDial(t *testing.T) {
	serving(t, transport.Config{}, func(t *testing.T, m *transport.Mux, known *peers, tr *fake, a *profiles) {
		for _, tc := range []struct {
			cause error
			after time.Duration
			want  error
		}{
			{&transport.Terminated{Reason: transport.ReasonBanned}, time.Second, transport.ErrBackoff},
			{errors.New("EOF"), time.Second, transport.ErrBackoff}, // without a byte
			{&transport.Terminated{Reason: transport.ReasonNormal}, time.Second, nil},
			{&transport.Terminated{Reason: transport.ReasonLimits}, time.Second, transport.ErrBackoff},
			{&transport.Terminated{Reason: transport.ReasonReplaced}, time.Second, nil},
			{&transport.Terminated{Reason: transport.ReasonBanned}, time.Minute, nil},
			{nil, time.Second, nil},
		} {
			to := known.add(t, nil)
			if err := m.Connect(t.Context(), to); err != nil {
				t.Fatal(err)
			}
			_, _, s := tr.state()
			time.Sleep(tc.after)
			failed := a.failures()
			tr.reg.Closed(s, tc.cause)
			if err := m.Connect(t.Context(), to); !errors.Is(err, tc.want) {
				t.Errorf("after %v and %v: %v", tc.cause, tc.after, err)
			}
			if (tc.want != nil) != (a.failures() > failed) {
				t.Errorf("after %v and %v: Peers learned wrong", tc.cause, tc.after)
			}
		}
	})
}
