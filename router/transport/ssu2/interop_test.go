//go:build linux

package ssu2

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/udp"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/interop/interoptest"
	"clove.i2p/tests/netns"
)

// i2pdPort is where the one i2pd listens.
const i2pdPort = 9201

// TestInteropWithI2pd has sessions with i2pd, opened from either side and from both at once, in a network namespace of its own.
func TestInteropWithI2pd(t *testing.T) {
	program, inside := interoptest.Inside(t)
	if !inside {
		return
	}
	process, i2pd := interoptest.Start(t, program, interop.SSU2, i2pdPort, nil)
	peer := i2pd.Hash()

	a := newInteropRouter(t, 20, nil)
	s := a.dialI2pd(i2pd)
	t.Run("outbound", func(t *testing.T) {
		a.store(s, a)
		if len(a.skewsSeen()) == 0 {
			t.Error("no clock skew was reported")
		}
		// A lookup whose answer is the largest that fits: the RouterInfo of i2pd itself, and a message in fragments.
		a.send(s, i2np.DatabaseLookup{Key: peer, From: a.hash(), LookupType: i2np.LookupRouterInfo})
		a.await(i2np.TypeDatabaseStore, 20*time.Second)
		for range 50 { // an echo of many
			a.send(s, i2np.DatabaseLookup{Key: a.hash(), From: a.hash(), LookupType: i2np.LookupRouterInfo})
		}
		for range 50 {
			a.await(i2np.TypeDatabaseStore, 20*time.Second)
		}
	})
	t.Run("inbound", func(t *testing.T) {
		b := newInteropRouter(t, 21, nil)
		a.store(s, b)
		a.send(s, i2np.DatabaseLookup{Key: a.hash(), From: b.hash(), LookupType: i2np.LookupRouterInfo})
		b.await(i2np.TypeDatabaseStore, 30*time.Second)
		in := receive(t, b.opened)
		if in.Direction() != transport.Inbound || in.Peer() != peer {
			t.Fatalf("session %+v", in.Status())
		}
		b.send(in, i2np.DatabaseLookup{Key: a.hash(), From: b.hash(), LookupType: i2np.LookupRouterInfo})
		b.await(i2np.TypeDatabaseStore, 20*time.Second)
		// With the token that i2pd gave, or without it, after we have closed.
		in.Close(transport.ReasonNormal)
		if err := receive(t, b.closed); err != nil {
			t.Fatal(err)
		}
		// i2pd answers in the closed session for half a minute more, so that an ack has to do.
		again := b.dialI2pd(i2pd)
		b.send(again, i2np.DatabaseStore{Key: b.hash(), Data: b.self().Bytes()})
		b.acked(again)
		if st := b.transport.Stats(); st.Dialled != 1 || again.Status().BytesIn == 0 {
			t.Errorf("%+v", st)
		}
	})
	t.Run("crossed", func(t *testing.T) {
		for i := range byte(5) {
			g := &valve{dial: make(chan struct{})}
			b := newInteropRouter(t, 30+i, g)
			a.store(s, b)
			g.arm()
			result := make(chan error, 1)
			go func() {
				<-g.dial // i2pd has dialled, and hears nothing until we have too
				_, err := b.transport.Dial(t.Context(), i2pd)
				result <- err
			}()
			a.send(s, i2np.DatabaseLookup{Key: a.hash(), From: b.hash(), LookupType: i2np.LookupRouterInfo})
			b.await(i2np.TypeDatabaseStore, 30*time.Second)
			if err := receive(t, result); err != nil {
				t.Fatalf("dial %d: %v", i, err)
			}
			in := receive(t, b.opened)
			b.store(in, b)
			t.Logf("%d: %+v", i, b.transport.Stats())
		}
	})
	t.Run("fragments", func(t *testing.T) {
		b := newInteropRouter(t, 22, nil)
		options := map[string]string{"caps": "LR"}
		for i := range 9 {
			options[fmt.Sprint("x", i)] = fmt.Sprintf("%x%x%x", NewIntroKey(), NewIntroKey(), NewIntroKey())
		}
		b.sign(options)
		s := b.dialI2pd(i2pd) // SessionConfirmed takes two packets
		b.store(s, b)         // and what tells i2pd, three
		for range 20 {
			b.send(s, i2np.DatabaseLookup{Key: b.hash(), From: b.hash(), LookupType: i2np.LookupRouterInfo})
			b.await(i2np.TypeDatabaseStore, 20*time.Second) // as does its answer
		}
		large := message(1, 50_000, 1)
		large.Bytes()[0] = 99 // i2pd has no use for it
		s.Send([]*buf.Buf{large})
		b.acked(s)
	})
	t.Run("moved", func(t *testing.T) {
		m := new(movable)
		b := newInteropRouter(t, 23, m)
		s := b.dialI2pd(i2pd)
		b.store(s, b)
		for range 3 {
			m.move(t)
			b.send(s, i2np.DatabaseLookup{Key: peer, From: b.hash(), LookupType: i2np.LookupRouterInfo})
			b.await(i2np.TypeDatabaseStore, 30*time.Second)
			b.store(s, b)
		}
		if len(b.closed) > 0 {
			t.Error("a session ended")
		}
	})
	t.Run("closed by i2pd", func(t *testing.T) {
		if err := process.Stop(); err != nil {
			t.Fatal(err)
		}
		err := receiveWithin(t, a.closed, 30*time.Second)
		t.Logf("closed: %v", err)
	})
}

// A valve holds back what comes first until something was sent.
type valve struct {
	Socket
	dial  chan struct{}
	mu    sync.Mutex
	armed bool
	sent  chan struct{}
}

func (g *valve) use(s Socket) { g.Socket = s }

func (g *valve) arm() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed, g.sent = true, make(chan struct{})
}

func (g *valve) Read(p []udp.Packet) (int, error) {
	n, err := g.Socket.Read(p)
	g.mu.Lock()
	armed, sent := g.armed, g.sent
	g.armed = false
	g.mu.Unlock()
	if armed && err == nil {
		close(g.dial)
		<-sent
	}
	return n, err
}

func (g *valve) Write(t []udp.Train) error {
	err := g.Socket.Write(t)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sent != nil {
		close(g.sent)
		g.sent = nil
	}
	return err
}

type interopRouter struct{ *router }

// acked waits until nothing is in flight.
func (r interopRouter) acked(s transport.Session) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); s.Status().Queued > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("i2pd does not ack: %+v", s.Status())
		}
	}
}

// A movable socket takes another port when told to, as a NAT does that forgot a mapping.
type movable struct {
	mu      sync.Mutex
	current Socket
}

func (m *movable) use(s Socket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current = s
}

func (m *movable) socket() Socket {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current
}

func (m *movable) move(t *testing.T) {
	old := m.socket()
	s, err := udp.Listen(netip.AddrPortFrom(old.LocalAddr().Addr(), 0), udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.use(s)
	old.Close()
}

func (m *movable) Read(p []udp.Packet) (int, error) {
	for {
		s := m.socket()
		n, err := s.Read(p)
		if err == nil || s == m.socket() {
			return n, err
		}
	}
}

func (m *movable) Write(t []udp.Train) error { return m.socket().Write(t) }
func (m *movable) LocalAddr() netip.AddrPort { return m.socket().LocalAddr() }
func (m *movable) Close() error              { return m.socket().Close() }

// A wrapper stands between a transport and its socket.
type wrapper interface {
	Socket
	use(s Socket)
}

func newInteropRouter(t *testing.T, host byte, g wrapper) interopRouter {
	t.Helper()
	r := newRouter(t, func(c *Config, d *Deps) {
		c.Listen = []netip.AddrPort{netip.AddrPortFrom(netns.Host(host), 9300)}
		c.NetworkID = netns.NetworkID
		if g != nil {
			d.Listen = func(_ context.Context, at netip.AddrPort) (Socket, error) {
				s, err := udp.Listen(at, udp.Options{})
				g.use(s)
				return g, err
			}
		}
	})
	r.sign(map[string]string{"caps": "LR"})
	return interopRouter{r.serve()}
}

func (r interopRouter) dialI2pd(ri *i2p.RouterInfo) transport.Session {
	r.t.Helper()
	s, err := r.transport.Dial(r.t.Context(), ri)
	if err != nil {
		r.t.Fatal(err)
	}
	<-r.opened
	return s
}

func (r interopRouter) skewsSeen() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skews
}

func (r interopRouter) send(s transport.Session, body i2np.Body) {
	if s.Send([]*buf.Buf{buf.From(i2np.Encode(i2np.NewHeader(body.Type(), time.Now()), body))}) != 1 {
		r.t.Fatal("message not taken")
	}
}

// store tells i2pd about a router and waits until it has heard.
func (r interopRouter) store(s transport.Session, of interopRouter) {
	r.t.Helper()
	token := i2np.NewMessageID()
	r.send(s, i2np.DatabaseStore{Key: of.hash(), ReplyToken: token, ReplyGateway: r.hash(), Data: of.self().Bytes()})
	r.await(i2np.TypeDeliveryStatus, 20*time.Second)
}

func (r interopRouter) await(typ i2np.Type, d time.Duration) {
	r.t.Helper()
	timeout := time.After(d)
	for {
		select {
		case m := <-r.messages:
			h, _, err := i2np.ParseShort(m)
			if err != nil {
				r.t.Fatal(err)
			}
			if h.Type == typ {
				return
			}
		case <-timeout:
			r.t.Fatalf("no %v; %+v", typ, r.transport.Stats())
		}
	}
}
