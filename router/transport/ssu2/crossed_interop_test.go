//go:build linux

package ssu2

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/interop/interoptest"
	"clove.i2p/tests/netns"
)

// TestInteropCrossedOpens lets many new routers and i2pd dial each other at once. Whichever sessions that makes, within handshakeTime
// there is one in which both hear each other, and it lasts: for nineteen in twenty, as a busy machine has its part. With losses that
// is for i2pd to say: as long as its own dial waits for a Retry, up to half a minute, it hears no request from that address, and it
// sends its TokenRequest once.
func TestInteropCrossedOpens(t *testing.T) {
	program, inside := interoptest.Inside(t, netns.Nft())
	if !inside {
		return
	}
	n, shares := 20, []int{0}
	if os.Getenv("CLOVE_INTEROP_LONG") != "" {
		n, shares = 100, []int{0, 10}
	}
	_, i2pd := interoptest.Start(t, program, interop.SSU2, i2pdPort, nil)
	control := newInteropRouter(t, controlHost, nil)
	s := control.dialI2pd(i2pd)
	made := 0
	for _, share := range shares {
		t.Run(fmt.Sprintf("%d %% lost", share), func(t *testing.T) {
			lose(t, share)
			var crossed, accepted, failed atomic.Uint64
			least := n - n/20 // one in twenty is the luck of a busy machine
			if share > 0 {
				least = n / 2
			}
			rate(t, n, least, func() interopRouter {
				r := newInteropRouterAt(t, made, nil)
				made++
				control.store(s, r)
				return r
			}, func(r interopRouter) time.Duration {
				defer r.stop()
				start := time.Now()
				var dial sync.WaitGroup
				dial.Go(func() {
					time.Sleep(rand.N(6 * time.Millisecond)) // i2pd takes some to begin
					if _, err := r.transport.Dial(t.Context(), i2pd); err != nil {
						failed.Add(1)
						t.Log(err)
					}
				})
				control.offer(s, i2np.DatabaseLookup{Key: control.hash(), From: r.hash(), LookupType: i2np.LookupRouterInfo})
				heard := r.heard(i2pd.Hash(), start.Add(handshakeTime))
				took := time.Since(start)
				dial.Wait()
				if st := r.transport.Stats(); st.Crossed > 0 || st.Accepted > 0 && st.Dialled > 0 {
					crossed.Add(1)
					accepted.Add(min(st.Accepted, 1))
				}
				time.Sleep(time.Second) // the one that lasts
				if !heard || !r.heard(i2pd.Hash(), time.Now().Add(handshakeTime)) {
					t.Logf("no session: %+v", r.transport.Stats())
					return 0
				}
				return took
			})
			t.Logf("%d crossed, in %d of which i2pd's arrived; %d dials failed", crossed.Load(), accepted.Load(), failed.Load())
		})
	}
}

// heard sends to i2pd in the session that the router has at the time, and again, until it is answered.
func (r interopRouter) heard(peer i2p.Hash, until time.Time) bool {
	for time.Now().Before(until) {
		s := r.running().table.session(peer)
		if s == nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		token := i2np.NewMessageID()
		r.offer(s, i2np.DatabaseStore{Key: r.hash(), ReplyToken: token, ReplyGateway: r.hash(), Data: r.self().Bytes()})
		for timeout := time.After(3 * time.Second); ; {
			select {
			case m := <-r.messages:
				h, body, err := i2np.ParseShort(m)
				if err != nil || h.Type != i2np.TypeDeliveryStatus {
					continue
				}
				if status, err := i2np.ParseDeliveryStatus(body); err == nil && status.MessageID == token {
					return true
				}
				continue
			case <-timeout:
			}
			break
		}
	}
	return false
}
