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
		NetworkID: 77, AllowPrivate: true, NTCP2: router.Endpoint{Listen: "127.0.0.1:0"},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	open := func(proxies.Shape) (*router.Destination, error) {
		return r.Open(router.DestinationConfig{Tunnels: router.Tunnels{Length: 1, Quantity: 1}, Unpublished: true})
	}
	const limit = 4
	d := newDestinations(IsolationLimits{Destinations: limit, Idle: time.Minute}, open)
	shared := proxies.Isolation{Listener: "socks"}
	own, err := d.pin(shared)
	if err != nil {
		t.Fatal(err)
	}
	user := func(name string) proxies.Isolation { return proxies.NewIsolation("socks", name, "x") }
	dial := func(i proxies.Isolation) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := d.dial(ctx, proxies.Target{Host: "unknown.i2p", Port: 80, Isolation: i})
		return err
	}
	if err := dial(shared); !errors.Is(err, proxies.ErrUnknownHost) || len(d.held) != 1 {
		t.Errorf("without a user: %v, %d destinations", err, len(d.held))
	}
	for _, name := range []string{"a", "b", "a"} {
		if err := dial(user(name)); !errors.Is(err, proxies.ErrUnknownHost) {
			t.Errorf("user %s: %v", name, err)
		}
	}
	a, b := d.held[user("a")], d.held[user("b")]
	if len(d.held) != 3 || a.destination.Hash() == b.destination.Hash() || a.destination.Hash() == own.Hash() {
		t.Fatalf("%d destinations for two users and the listener", len(d.held))
	}
	for n := range limit - 2 {
		if _, err := d.take(user(strconv.Itoa(n))); err != nil { // and keeps dialing
			t.Fatal(err)
		}
	}
	if err := dial(user("c")); !errors.Is(err, proxies.ErrUnknownHost) || d.held[user("b")] != nil || len(d.held) != limit+1 {
		t.Errorf("one more than the limit: %v; the one that was idle longest is still there: %t", err, d.held[user("b")] != nil)
	}
	if err := dial(proxies.NewIsolation("http", "a", "x")); !errors.Is(err, proxies.ErrUnknownHost) || len(d.held) != limit+2 {
		t.Errorf("another listener has a limit of its own: %v", err)
	}
	d.sweep(time.Now().Add(time.Hour))
	if len(d.held) != limit-2+1 || d.held[shared] == nil {
		t.Errorf("%d destinations after a while, want those that are dialing and the listener's", len(d.held))
	}
	for n := range 2 {
		if _, err := d.take(user("more" + strconv.Itoa(n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := dial(user("c")); !errors.Is(err, proxies.ErrNotReady) {
		t.Errorf("all busy: %v", err)
	}

	d.setLimits(IsolationLimits{Destinations: 100, Idle: time.Minute, Prewarm: 2})
	d.prewarm()
	next := d.spare[0]
	h, err := d.take(user("late"))
	if err != nil || h.destination != next || len(d.spare) != 1 {
		t.Errorf("%v; a ready destination was not used", err)
	}
	if _, err = d.take(proxies.Isolation{User: "late", Shape: proxies.Shape{Length: 1}}); err != nil || len(d.spare) != 1 {
		t.Errorf("%v; one of another shape is not a spare one", err)
	}
	d.setLimits(IsolationLimits{Destinations: 100, Idle: time.Minute})
	d.prewarm()
	if len(d.spare) != 0 {
		t.Error("spare ones stay after they are not wanted")
	}
}
