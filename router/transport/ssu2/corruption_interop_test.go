//go:build linux

package ssu2

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/interop/interoptest"
)

// TestInteropUnderCorruption has i2pd send a RouterInfo of several packets again and again, in a session of whose packets some are
// changed, and sends it large messages: what comes is right, and the session survives.
func TestInteropUnderCorruption(t *testing.T) {
	program, inside := interoptest.Inside(t)
	if !inside {
		return
	}
	n := 500
	if os.Getenv("CLOVE_INTEROP_LONG") != "" {
		n = 5000
	}
	_, i2pd := interoptest.Start(t, program, interop.SSU2, i2pdPort, nil)
	c := newCorrupter()
	r := newInteropRouterAt(t, 1, c)
	options := map[string]string{"caps": "LR"}
	for i := range 9 {
		options[fmt.Sprint("x", i)] = fmt.Sprintf("%x%x%x", NewIntroKey(), NewIntroKey(), NewIntroKey())
	}
	r.sign(options)
	s := r.dialI2pd(i2pd)
	r.store(s, r)
	c.start(100) // after the handshake: i2pd gives up one whose SessionConfirmed was changed, and does not tell
	for i := range n {
		if i%5 == 0 {
			large := message(uint32(i+1), 20_000, 1)
			large.Bytes()[0] = 99 // i2pd has no use for it
			s.Send([]*buf.Buf{large})
		}
		r.send(s, i2np.DatabaseLookup{Key: r.hash(), From: r.hash(), LookupType: i2np.LookupRouterInfo})
		if i%20 < 19 {
			continue
		}
		for range 20 {
			for {
				h, body, err := i2np.ParseShort(receiveWithin(t, r.messages, 30*time.Second))
				if err != nil {
					t.Fatal(err)
				}
				if h.Type != i2np.TypeDatabaseStore {
					continue
				}
				m, err := i2np.ParseDatabaseStore(body)
				if err != nil {
					t.Fatal(err)
				}
				if m.Key == r.hash() {
					if !bytes.Equal(m.Data, r.self().Bytes()) {
						t.Fatal("i2pd's message is not what it was")
					}
					break
				}
			}
		}
	}
	r.acked(s)
	if len(r.closed) > 0 {
		t.Errorf("closed: %v", <-r.closed)
	}
	changed, passed := c.counts()
	t.Logf("%d of %d packets changed; %+v, %+v", changed, passed, s.Status(), r.transport.Stats())
	if changed == 0 {
		t.Error("nothing was changed")
	}
}
