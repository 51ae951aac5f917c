//go:build linux

package ssu2

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/transport"
	"clove.i2p/router/udp"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/interop/interoptest"
	"clove.i2p/tests/netns"
	"clove.i2p/tests/netns/netnstest"
)

// handshakeTime is what a handshake may take however much is lost, with the first message acknowledged.
const handshakeTime = 15 * time.Second

// TestInteropUnderLoss opens sessions with i2pd, either way, while the kernel loses a share of the datagrams; each dial has a new router.
// i2pd 2.45 sends its TokenRequest once, and dials nobody again for half a minute: of its dials to strangers, those cannot succeed whose
// TokenRequest or Retry is lost, half of them where 30 % are. With a token from an earlier session it sends SessionRequests for 5 s.
func TestInteropUnderLoss(t *testing.T) {
	program, inside := interoptest.Inside(t, netns.Nft())
	if !inside {
		return
	}
	long := os.Getenv("CLOVE_INTEROP_LONG") != ""
	n, shares := 20, []int{30}
	if long {
		n, shares = 100, []int{10, 30}
	}
	_, i2pd := interoptest.Start(t, program, interop.SSU2, i2pdPort, nil)
	control := newInteropRouter(t, controlHost, nil) // on a path that loses nothing
	s := control.dialI2pd(i2pd)
	control.store(s, control)
	made := 0
	router := func() interopRouter {
		made++
		return newInteropRouterAt(t, made, nil)
	}
	// fromI2pd makes i2pd dial, and returns when its message has come.
	fromI2pd := func(r interopRouter) time.Duration {
		defer r.stop()
		start := time.Now()
		for end := time.After(handshakeTime); ; {
			control.offer(s, i2np.DatabaseLookup{Key: control.hash(), From: r.hash(), LookupType: i2np.LookupRouterInfo})
			select {
			case <-r.messages:
				return time.Since(start)
			case <-end:
				return 0
			case <-time.After(2 * time.Second):
			}
		}
	}
	for _, share := range shares {
		t.Run(fmt.Sprintf("%d %% to i2pd", share), func(t *testing.T) {
			lose(t, share)
			rate(t, n, n/2, router, func(r interopRouter) time.Duration {
				defer r.stop()
				start := time.Now()
				s, err := r.transport.Dial(t.Context(), i2pd)
				if err != nil {
					t.Log(err)
					return 0
				}
				dialled := time.Since(start)
				if !r.offer(s, i2np.DatabaseStore{Key: r.hash(), Data: r.self().Bytes()}) {
					t.Logf("dialled in %v, and closed at once", dialled)
					return 0
				}
				for s.Status().Queued > 0 && time.Since(start) < 2*handshakeTime {
					time.Sleep(5 * time.Millisecond)
				}
				took := time.Since(start)
				if len(r.closed) > 0 {
					t.Logf("dialled in %v, closed after %v: %v", dialled, took, <-r.closed)
					return 0
				}
				if took > handshakeTime {
					t.Logf("dialled in %v, acked after %v: %+v", dialled, took, s.Status())
				}
				return took
			})
		})
		t.Run(fmt.Sprintf("%d %% from i2pd", share), func(t *testing.T) {
			asked := new(atomic.Uint64)
			lose(t, share)
			rate(t, n, n/20, func() interopRouter {
				r := router()
				control.store(s, r)
				return r
			}, func(r interopRouter) time.Duration {
				defer func() { asked.Add(min(r.transport.Stats().Retries, 1)) }()
				return fromI2pd(r)
			})
			t.Logf("the TokenRequests of %d came", asked.Load())
		})
		if !long {
			continue
		}
		t.Run(fmt.Sprintf("%d %% from i2pd with tokens", share), func(t *testing.T) {
			lose(t, 0)
			routers := make([]interopRouter, n)
			for i := range routers {
				r := router()
				s := r.dialI2pd(i2pd)
				r.store(s, r)
				s.Close(transport.ReasonNormal)
				receive(t, r.closed)
				routers[i] = r
			}
			time.Sleep(35 * time.Second) // until i2pd has forgotten the sessions
			lose(t, share)
			next := 0
			rate(t, n, n/2, func() interopRouter { next++; return routers[next-1] }, fromI2pd)
		})
	}
}

// rate has n routers do something, and reports how many took at most handshakeTime; 0 is never. Chance has its part, so that the
// least that passes is low.
func rate(t *testing.T, n, least int, next func() interopRouter, do func(interopRouter) time.Duration) {
	var took []time.Duration
	var mu sync.Mutex
	slots := make(chan struct{}, 20)
	var all sync.WaitGroup
	for range n {
		slots <- struct{}{}
		r := next()
		all.Go(func() {
			defer func() { <-slots }()
			if d := do(r); d > 0 && d <= handshakeTime {
				mu.Lock()
				defer mu.Unlock()
				took = append(took, d)
			}
		})
	}
	all.Wait()
	if len(took) < max(least, 1) {
		t.Fatalf("%d of %d within %v", len(took), n, handshakeTime)
	}
	slices.Sort(took)
	of := func(share float64) any {
		if i := int(share * float64(n)); i < len(took) {
			return took[i].Round(time.Millisecond)
		}
		return "never"
	}
	t.Logf("%d of %d within %v; median %v, 90 %% %v; the slowest %v", len(took), n, handshakeTime, of(0.5), of(0.9), took[len(took)-1].Round(time.Millisecond))
}

// controlHost has a path of its own to i2pd.
const controlHost = 20

// lose makes the kernel drop a share of the datagrams on lo, in %, but not those of the control host. Each passes the hook once.
func lose(t *testing.T, share int) {
	t.Helper()
	at := netns.Host(controlHost)
	rules := fmt.Sprintf(`table ip loss
delete table ip loss
table ip loss {
	chain in {
		type filter hook input priority 0;
		ip saddr %v accept
		ip daddr %v accept
		meta l4proto udp numgen random mod 100 < %d drop
	}
}
`, at, at, share)
	cmd := exec.Command(netns.Nft(), "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		netnstest.Missing(t, fmt.Sprintf("nft: %v: %s", err, out))
	}
}

// newInteropRouterAt is newInteropRouter number i of very many, each on an address of its own, and without log. Its packets pass
// one by one: a train would be lost as a whole.
func newInteropRouterAt(t *testing.T, i int, g wrapper) interopRouter {
	t.Helper()
	r := newRouter(t, func(c *Config, d *Deps) {
		c.Listen = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 19, byte(i >> 8), byte(i)}), 9300)}
		c.NetworkID = netns.NetworkID
		d.Logger = nil
		d.Listen = func(_ context.Context, at netip.AddrPort) (Socket, error) {
			s, err := udp.Listen(at, udp.Options{Mode: udp.Plain})
			if g == nil || err != nil {
				return s, err
			}
			g.use(s)
			return g, nil
		}
	})
	r.sign(map[string]string{"caps": "LR"})
	return interopRouter{r.serve()}
}

// offer sends a message if the session takes it.
func (r interopRouter) offer(s transport.Session, body i2np.Body) bool {
	return s.Send([]*buf.Buf{buf.From(i2np.Encode(i2np.NewHeader(body.Type(), time.Now()), body))}) == 1
}
