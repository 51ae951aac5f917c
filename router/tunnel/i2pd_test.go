package tunnel_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
)

// TestEndpointReadsI2pd reads what the gateway of i2pd writes (testdata/i2pd-gateway.txt tells how it came about).
func TestEndpointReadsI2pd(t *testing.T) {
	file, err := os.ReadFile("testdata/i2pd-gateway.txt")
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string][][]byte{}
	for line := range strings.Lines(string(file)) {
		name, data, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		b, err := hex.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		groups[name] = append(groups[name], b)
	}
	if len(groups) != 8 {
		t.Fatalf("%d groups", len(groups))
	}
	var router i2p.Hash
	for i := range router {
		router[i] = byte(i + 1)
	}
	for name, msgs := range groups {
		t.Run(name, func(t *testing.T) {
			var want []delivered
			_, sizes, _ := strings.Cut(name, ": ")
			for f := range strings.FieldsSeq(sizes) {
				var n, typ int
				if _, err := fmt.Sscanf(f, "%d/%d", &n, &typ); err != nil {
					t.Fatal(err)
				}
				d := tunnel.Delivery{Type: tunnel.DeliveryType(typ)}
				if d.Type != tunnel.DeliveryLocal {
					d.Router = router
				}
				if d.Type == tunnel.DeliveryTunnel {
					d.Tunnel = 0x11223344
				}
				m := i2np.Header{Type: 20, ID: 0x01020304, Expiration: time.UnixMilli(1700000000123)}.AppendShort(nil)
				for i := range n {
					m = append(m, byte(7*i+n))
				}
				want = append(want, delivered{d, m})
			}
			e := tunnel.NewEndpoint(nil, tunnel.Creator)
			var c collector
			for _, m := range msgs {
				if err := e.Process(m, now, c.deliver); err != nil {
					t.Fatal(err)
				}
			}
			same := func(a, b delivered) bool { return a.to == b.to && bytes.Equal(a.msg, b.msg) }
			if !slices.EqualFunc(c.got, want, same) {
				t.Fatalf("%d messages of %d", len(c.got), len(want))
			}
		})
	}
}
