package router

import (
	"testing"
	"time"
)

func TestWhoBecomesFloodfill(t *testing.T) {
	good := fitness{
		uptime: 3 * time.Hour, class: 'O', published: true, routers: 3000, sessions: 300, transit: 300, load: 0.2, skew: time.Second,
	}
	const long = 24 * time.Hour
	with := func(change func(*fitness)) fitness {
		f := good
		change(&f)
		return f
	}
	for _, c := range []struct {
		name  string
		f     fitness
		on    bool
		since time.Duration
		want  bool
	}{
		{"all is well", good, false, long, true},
		{"stays", good, true, time.Minute, true},
		{"stays with fewer tunnels", with(func(f *fitness) { f.transit, f.sessions, f.routers = 0, 0, 0 }), true, long, true},
		{"not up for long", with(func(f *fitness) { f.uptime = time.Hour }), false, long, false},
		{"class below N", with(func(f *fitness) { f.class = 'M' }), false, long, false},
		{"class below N ends it", with(func(f *fitness) { f.class = 'L' }), true, long, false},
		{"class X", with(func(f *fitness) { f.class = 'X' }), false, long, true},
		{"no published address", with(func(f *fitness) { f.published = false }), true, long, false},
		{"few routers", with(func(f *fitness) { f.routers = 1999 }), false, long, false},
		{"few sessions", with(func(f *fitness) { f.sessions = 199 }), false, long, false},
		{"few tunnels", with(func(f *fitness) { f.transit = 249 }), false, long, false},
		{"clock ahead", with(func(f *fitness) { f.skew = 11 * time.Second }), false, long, false},
		{"clock behind ends it", with(func(f *fitness) { f.skew = -11 * time.Second }), true, long, false},
		{"busy ends it", with(func(f *fitness) { f.load = 0.9 }), true, long, false},
		{"just stopped being one", good, false, time.Hour, false},
		{"stopped long ago", good, false, 7 * time.Hour, true},
	} {
		if got, why := c.f.decide(c.on, c.since); got != c.want {
			t.Errorf("%s: %v (%s)", c.name, got, why)
		}
	}
}

func TestAutoIsOffInPrivateNetworks(t *testing.T) {
	r, err := New(Config{NetworkID: 77, FloodfillAuto: true, NTCP2: Endpoint{Listen: "127.0.0.1:0"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.elect(time.Now())
	if r.RouterInfo().IsFloodfill() || r.role.on.Load() {
		t.Error("is a floodfill")
	}
}
