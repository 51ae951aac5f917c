package gate

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"testing"

	"clove.i2p/plugins/api"
)

func TestStoredIsForTheUser(t *testing.T) {
	g, err := New(Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := g.SetTunnel(TunnelSpec{Name: "exit", Type: "x"}); err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{"audit/1": "a", "audit/2": "b", "secret": "c"} {
		if err := g.tunnels["exit"].store.put(key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := g.Stored("exit", "audit/")
	if keys := slices.Sorted(maps.Keys(got)); err != nil || !slices.Equal(keys, []string{"audit/1", "audit/2"}) || string(got["audit/2"]) != "b" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := g.Stored("none", ""); !errors.Is(err, api.ErrUnknownHost) {
		t.Errorf("another tunnel: %v", err)
	}
}
