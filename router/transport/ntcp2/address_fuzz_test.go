package ntcp2

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2p"
)

// FuzzTargets: whatever a peer publishes about two addresses, those that we would dial are whole, and all of them hybrid or none.
func FuzzTargets(f *testing.F) {
	ri, _ := testRouterInfo(f)
	good := ri.Addresses()[0]
	s, i := good.Options.Get("s"), i2p.EncodeBase64(make([]byte, 16))
	f.Add(uint8(3), "NTCP2", "11.0.0.1", "1234", s, i, "2", "4", "3")
	f.Add(uint8(14), "NTCP", "2600::1", "1", s, i, "1,2", "", "5")
	f.Add(uint8(0), "NTCP2", "11.0.0.1", "70000", s, i[1:], "2", "3,4", "4")
	keys, err := i2p.NewRouterKeys()
	if err != nil {
		f.Fatal(err)
	}
	ours := []mlkem.Params{mlkem.MLKEM768, mlkem.MLKEM512}
	t := &Transport{cfg: Config{NetworkID: testNetwork, AllowPrivate: true, PostQuantum: ours}}
	f.Fuzz(func(tt *testing.T, cost uint8, kind, host, port, s, i, v, pq, pq2 string) {
		var all []i2p.RouterAddress
		for _, pq := range []string{pq, pq2} {
			a, err := i2p.NewRouterAddress(cost, kind, map[string]string{"host": host, "port": port, "s": s, "i": i, "v": v, "pq": pq})
			if err != nil {
				return
			}
			all = append(all, a)
		}
		ri, err := i2p.NewRouterInfo(keys, time.Unix(1e9, 0), all, map[string]string{"netId": "99"})
		if err != nil {
			return
		}
		targets := t.targets(ri)
		for _, to := range targets {
			ip, err := netip.ParseAddr(host)
			switch {
			case err != nil || to.at.Addr() != ip.Unmap() || to.at.Port() == 0:
				tt.Fatalf("%v of %q, %q", to.at, host, port)
			case to.hybrid != 0 && (!slices.Contains(ours, to.hybrid) || pqOption(to.hybrid) != pq && pqOption(to.hybrid) != pq2):
				tt.Fatalf("%v of %q, %q", to.hybrid, pq, pq2)
			case (to.hybrid != 0) != (targets[0].hybrid != 0):
				tt.Fatal("hybrid and plain ones")
			case !slices.Contains(strings.Split(v, ","), "2"):
				tt.Fatalf("version %q", v)
			}
		}
		bid, ok := t.Bid(ri)
		if ok != (len(targets) > 0) || ok && bid.Hybrid != (targets[0].hybrid != 0) {
			tt.Fatalf("%+v, %v for %v", bid, ok, targets)
		}
	})
}
