package bandwidth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/bandwidth"
)

func TestParseRate(t *testing.T) {
	for in, want := range map[string]bandwidth.Rate{
		"1MB": 1e6, "1.5 MiB": 3 << 19, "250kb/s": 250e3, "4096": 4096, "7B": 7, "2GB": 2e9, "0": 0, "unlimited": 0, " 1KiB ": 1024,
	} {
		got, err := bandwidth.ParseRate(in)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", in, got, err, want)
		}
		if again, err := bandwidth.ParseRate(got.String()); err != nil || again != got {
			t.Errorf("%q prints as %q", in, got)
		}
	}
	for _, in := range []string{"", "MB", "-1MB", "1TB", "1e9", "NaN", "Inf", "0x10", "0.1", "1 M", "99999999999GB"} {
		if got, err := bandwidth.ParseRate(in); err == nil {
			t.Errorf("%q taken as %d", in, got)
		}
	}
}

func TestTransitRate(t *testing.T) {
	for _, c := range []struct {
		cfg  bandwidth.Config
		want bandwidth.Rate
	}{
		{bandwidth.Config{Inbound: 1e6, Outbound: 2e6, Share: 80}, 800e3},
		{bandwidth.Config{Outbound: 2e6, Share: 50}, 1e6},
		{bandwidth.Config{Inbound: 2e6, Share: 50}, 1e6},
		{bandwidth.Config{Share: 50}, bandwidth.Unlimited},
		{bandwidth.Config{Inbound: 1e6, Outbound: 1e6}, 1},
		{bandwidth.Config{}, 1},
	} {
		if got := c.cfg.TransitRate(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.cfg, got, c.want)
		}
	}
}

func limiter(t *testing.T, cfg bandwidth.Config) *bandwidth.Limiter {
	t.Helper()
	l, err := bandwidth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWaitKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter(t, bandwidth.Config{Inbound: 1e6, Outbound: 1e6, Share: 80})
		start := time.Now()
		for range 100 {
			if err := l.WaitOut(t.Context(), 100e3); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d < 9500*time.Millisecond || d > 10*time.Second {
			t.Fatalf("10 MB at 1 MB/s took %v", d)
		}
		if got := l.Stats().Out; got != 100*100e3 {
			t.Fatalf("counted %d", got)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter(t, bandwidth.Config{Inbound: 1000, Outbound: 1000, Share: 80})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.WaitIn(ctx, 1e6); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	})
}

func TestTransitIsRefusedBeyondItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter(t, bandwidth.Config{Inbound: 1e6, Outbound: 1e6, Share: 50})
		passed := 0
		for range 2000 { // 2 MB/s offered for 10 s
			for range 10 {
				if l.AllowTransit(1000) {
					passed += 1000
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
		if passed < 49e5 || passed > 52e5 {
			t.Fatalf("%d bytes passed in 10 s at 500 KB/s", passed)
		}
		if s := l.Stats(); s.Transit != uint64(passed) || s.TransitDropped != 20e6-uint64(passed) {
			t.Fatalf("%+v, %d passed", s, passed)
		}
	})
}

func TestTransitLoadFollowsTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter(t, bandwidth.Config{Inbound: 1e6, Outbound: 1e6, Share: 100})
		for range 600 {
			l.AllowTransit(50e3)
			time.Sleep(100 * time.Millisecond)
			l.TransitLoad()
		}
		if got := l.TransitLoad(); got < 0.45 || got > 0.55 {
			t.Fatalf("load %v at half of the rate", got)
		}
		time.Sleep(2 * time.Minute)
		if got := l.TransitLoad(); got > 0.05 {
			t.Fatalf("load %v after two quiet minutes", got)
		}
	})
}

func TestUnlimitedNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter(t, bandwidth.Config{Share: 80})
		start := time.Now()
		if l.WaitIn(t.Context(), 1<<40) != nil || !l.AllowTransit(1<<40) || time.Since(start) != 0 || l.TransitLoad() != 0 {
			t.Fatal("waited or refused")
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []bandwidth.Config{{Inbound: -1}, {Outbound: -1}, {Share: 101}, {Share: -1}} {
		if _, err := bandwidth.New(cfg); err == nil {
			t.Errorf("%+v taken", cfg)
		}
	}
}

func BenchmarkAllowTransit(b *testing.B) {
	l, err := bandwidth.New(bandwidth.Config{Inbound: 1e12, Outbound: 1e12, Share: 80})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		l.AllowTransit(1037)
	}
}
