package ntcp2_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ntcp2"
)

// testnetFile is what the test network of real i2pd routers says about itself.
type testnetFile struct {
	NetID   int `json:"netid"`
	Routers []struct {
		Name      string `json:"name"`
		Floodfill bool   `json:"floodfill"`
		Info      string `json:"router_info"`
		Hash      string `json:"hash"`
		Version   string `json:"version"`
	} `json:"routers"`
	ForeignHosts []string `json:"foreign_hosts"`
}

// An i2pd network, and the RouterInfos of its routers by hash.
type i2pdNetwork struct {
	testnetFile
	infos map[i2p.Hash]*i2p.RouterInfo
	ff    []i2p.Hash
}

func i2pdNet(t *testing.T) *i2pdNetwork {
	dir := os.Getenv("CLOVE_TESTNET")
	if dir == "" {
		t.Skip("CLOVE_TESTNET does not name the directory of a running test network of i2pd routers")
	}
	b, err := os.ReadFile(filepath.Join(dir, "testnet.json"))
	if err != nil {
		t.Fatal(err)
	}
	n := &i2pdNetwork{infos: make(map[i2p.Hash]*i2p.RouterInfo)}
	if err := json.Unmarshal(b, &n.testnetFile); err != nil {
		t.Fatal(err)
	}
	for _, r := range n.Routers {
		b, err := os.ReadFile(r.Info)
		if err != nil {
			t.Fatal(err)
		}
		ri, _, err := i2p.ParseRouterInfo(b)
		if err != nil {
			t.Fatal(err)
		}
		n.infos[ri.Hash()] = ri
		if r.Floodfill {
			n.ff = append(n.ff, ri.Hash())
		}
	}
	return n
}

// A node is a Mux with an NTCP2 transport on a host of its own in the i2pd network.
type node struct {
	t        *testing.T
	hash     i2p.Hash
	mux      *transport.Mux
	info     atomic.Pointer[i2p.RouterInfo]
	messages chan []byte
	infos    chan *i2p.RouterInfo
	skew     atomic.Int64
}

func (n *node) Messages(_ i2p.Hash, msgs []*buf.Buf) {
	for _, m := range msgs {
		n.messages <- append([]byte(nil), m.Bytes()...)
		m.Release()
	}
}

func (n *node) RouterInfo(_ i2p.Hash, ri *i2p.RouterInfo, _ bool) { n.infos <- ri }

func newNode(t *testing.T, net *i2pdNetwork, host int) *node {
	t.Helper()
	k, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	static, err := keys.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, hash: k.Identity.Hash(), messages: make(chan []byte, 4096), infos: make(chan *i2p.RouterInfo, 64)}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	tr, err := ntcp2.New(ntcp2.Config{
		Listen:    []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr(net.ForeignHosts[host]), 0)},
		NetworkID: net.NetID, AllowPrivate: true, StaticKey: static, IV: ntcp2.NewIV(), SelfHash: n.hash, Self: n.info.Load,
		Skew: func(_ i2p.Hash, d time.Duration) { n.skew.Store(int64(d)) },
	}, ntcp2.Deps{Clock: clock.New(), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	ri, err := i2p.NewRouterInfo(k, time.Now(), tr.Addresses(), map[string]string{
		"netId": strconv.Itoa(net.NetID), "router.version": "0.9.66", "caps": "OR",
	})
	if err != nil {
		t.Fatal(err)
	}
	n.info.Store(ri)
	n.mux, err = transport.New(transport.Config{Self: n.hash}, transport.Deps{
		Transports: []transport.Transport{tr}, Logger: log,
		Lookup: func(_ context.Context, h i2p.Hash) (*i2p.RouterInfo, error) {
			if ri := net.infos[h]; ri != nil {
				return ri, nil
			}
			return nil, fmt.Errorf("no such router")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- n.mux.Serve(ctx, n) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return n
}

func (n *node) connect(to i2p.Hash) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 15*time.Second)
	defer cancel()
	for {
		err := n.mux.Connect(ctx, to)
		if err == nil {
			return
		}
		if err != transport.ErrClosed { // Serve has not begun yet
			n.t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

func (n *node) send(to i2p.Hash, body i2np.Body) {
	n.mux.Send(to, buf.From(i2np.Encode(i2np.NewHeader(body.Type(), time.Now()), body)))
}

// await returns the payload of the next message of a type for which ok is true.
func (n *node) await(typ i2np.Type, d time.Duration, ok func(payload []byte) bool) {
	n.t.Helper()
	timeout := time.After(d)
	for {
		select {
		case m := <-n.messages:
			h, payload, err := i2np.ParseShort(m)
			if err != nil {
				n.t.Fatal(err)
			}
			n.t.Logf("message %v, %d bytes", h.Type, len(payload))
			if h.Type == typ && ok(payload) {
				return
			}
		case <-timeout:
			n.t.Fatalf("no %v", typ)
		}
	}
}

func storeOf(h i2p.Hash) func([]byte) bool {
	return func(payload []byte) bool {
		m, err := i2np.ParseDatabaseStore(payload)
		return err == nil && m.Key == h
	}
}

func TestInteropWithI2pd(t *testing.T) {
	net := i2pdNet(t)
	a := newNode(t, net, 0)
	to, about := net.ff[0], net.ff[1]

	// Outbound: handshake, a store with a reply token, a lookup.
	a.connect(to)
	t.Logf("sessions %+v, skew %v", a.mux.Sessions(), time.Duration(a.skew.Load()))
	token := i2np.NewMessageID()
	a.send(to, i2np.DatabaseStore{Key: a.hash, ReplyToken: token, ReplyGateway: a.hash, Data: a.info.Load().Bytes()})
	a.await(i2np.TypeDeliveryStatus, 10*time.Second, func(payload []byte) bool {
		m, err := i2np.ParseDeliveryStatus(payload)
		return err == nil && m.MessageID == token
	})
	a.send(to, i2np.DatabaseLookup{Key: about, From: a.hash, LookupType: i2np.LookupRouterInfo})
	a.await(i2np.TypeDatabaseStore, 10*time.Second, storeOf(about))

	// Inbound: a second router asks, the answer goes to the first, whose session is gone.
	a.mux.Disconnect(to, transport.ReasonNormal)
	for len(a.mux.Sessions()) > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	b := newNode(t, net, 1)
	b.connect(to)
	b.send(to, i2np.DatabaseLookup{Key: about, From: a.hash, LookupType: i2np.LookupRouterInfo})
	a.await(i2np.TypeDatabaseStore, 20*time.Second, storeOf(about))
	if s := a.mux.Sessions(); len(s) != 1 || s[0].Direction != transport.Inbound {
		t.Fatalf("sessions %+v", s)
	}
	if ri := <-a.infos; ri.Hash() != to {
		t.Fatal("RouterInfo of the peer did not arrive")
	}
	// The session is good in the other direction too.
	a.send(to, i2np.DatabaseLookup{Key: b.hash, From: a.hash, LookupType: i2np.LookupRouterInfo})
	a.await(i2np.TypeDatabaseStore, 10*time.Second, storeOf(b.hash))
}
