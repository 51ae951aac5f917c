package testnet_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router"
	"clove.i2p/tests/testnet"
)

// serve hosts handler at port 80 of a destination, until the bubble ends.
func serve(t *testing.T, d *router.Destination, handler http.Handler) {
	t.Helper()
	l, err := d.Listen(80)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
}

// visitor is an HTTP client whose connections are streams of d.
func visitor(t *testing.T, d *router.Destination, keepAlive bool) *http.Client {
	tr := &http.Transport{DialContext: d.Dial, DisableKeepAlives: !keepAlive, DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func get(ctx context.Context, c *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", res.Status)
	}
	return string(b), err
}

// reachable waits until destinations can be found.
func reachable(t *testing.T, limit time.Duration, ds ...*router.Destination) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for _, d := range ds {
		if err := d.Reachable(ctx); err != nil {
			t.Fatalf("%s: %v", d.Hash().Short(), err)
		}
	}
}

func TestEepsiteIsReadThroughTunnels(t *testing.T) {
	for _, hops := range []int{2, 3} {
		t.Run(fmt.Sprintf("%d hops", hops), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				n := testnet.New(t, testnet.Config{Routers: 8, Floodfills: 3, Delay: 20 * time.Millisecond, Seed: uint64(hops)})
				shape := router.Tunnels{Length: hops, Quantity: 2}
				site := n.Nodes[7].Open(router.DestinationConfig{Tunnels: shape})
				reader := n.Nodes[6].Open(router.DestinationConfig{Tunnels: shape, Unpublished: true})
				serve(t, site, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "page %s", r.URL.Path) }))
				reachable(t, 20*time.Second, site, reader)
				t.Logf("ready after %v", time.Since(start))
				for _, d := range []*router.Destination{site, reader} {
					for _, tun := range d.Status().Tunnels {
						if len(tun.Hops) != hops {
							t.Errorf("%s tunnel of %d hops", tun.Direction, len(tun.Hops))
						}
					}
				}
				c := visitor(t, reader, false)
				for i := range 20 {
					began := time.Now()
					got, err := get(t.Context(), c, fmt.Sprintf("http://%s/%d", site.Base32(), i))
					if want := fmt.Sprintf("page /%d", i); got != want || err != nil {
						t.Fatalf("request %d: %q, %v", i, got, err)
					}
					// A round trip is 2 x (2 x hops + 1) links of 20 ms; a page takes one with the SYN, and one more
					// for the first that looks the LeaseSet up.
					if took, most := time.Since(began), time.Duration(2*(2*hops+1))*20*time.Millisecond*3; took > most {
						t.Errorf("request %d took %v, more than %v", i, took, most)
					}
				}
				if s := reader.Status().Stats.View.Lookups; s.Started != 1 || s.Found != 1 {
					t.Errorf("lookups of the reader: %+v", s)
				}
			})
		})
	}
}
