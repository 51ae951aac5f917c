package appliance

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/router"
)

func TestUsersHaveDestinationsOfTheirOwn(t *testing.T) {
	r, stop, err := router.Start(t.Context(), router.Config{
		NetworkID: 77, AllowPrivate: true, NTCP2: router.NTCP2{Listen: "127.0.0.1:0"},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	open := func() (*router.Destination, error) {
		return r.Open(router.DestinationConfig{Tunnels: router.Tunnels{Length: 1, Quantity: 1}, Unpublished: true})
	}
	shared, err := open()
	if err != nil {
		t.Fatal(err)
	}
	i := newIsolator(shared, open)
	user := func(name string) proxies.Isolation { return proxies.NewIsolation("socks", name, "x") }
	dial := func(iso proxies.Isolation) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := i.Dial(ctx, proxies.Target{Host: "unknown.i2p", Port: 80, Isolation: iso})
		return err
	}
	if err := dial(proxies.Isolation{Listener: "socks"}); !errors.Is(err, proxies.ErrUnknownHost) || len(i.others) != 0 {
		t.Errorf("without a user: %v, %d destinations", err, len(i.others))
	}
	for _, name := range []string{"a", "b", "a"} {
		if err := dial(user(name)); !errors.Is(err, proxies.ErrUnknownHost) {
			t.Errorf("user %s: %v", name, err)
		}
	}
	a, b := i.others[user("a")], i.others[user("b")]
	if len(i.others) != 2 || a.destination.Hash() == b.destination.Hash() || a.destination.Hash() == shared.Hash() {
		t.Fatalf("%d destinations for two users", len(i.others))
	}
	start := time.Now()
	for n := range maxIsolated - 2 {
		if _, err := i.take(user(strconv.Itoa(n)), start); err != nil { // and keeps dialing
			t.Fatal(err)
		}
	}
	if err := dial(user("c")); !errors.Is(err, proxies.ErrUnknownHost) || i.others[user("b")] != nil || len(i.others) != maxIsolated {
		t.Errorf("one more than the limit: %v; the one that was idle longest is still there: %t", err, i.others[user("b")] != nil)
	}
	i.sweep(start.Add(2 * isolatedIdle))
	if len(i.others) != maxIsolated-2 {
		t.Errorf("%d destinations after a while, want those that are dialing", len(i.others))
	}
	for n := range 2 {
		if _, err := i.take(user("more"+strconv.Itoa(n)), start); err != nil {
			t.Fatal(err)
		}
	}
	if err := dial(user("c")); !errors.Is(err, proxies.ErrNotReady) {
		t.Errorf("all busy: %v", err)
	}
}
