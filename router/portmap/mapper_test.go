package portmap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// quick are timings for tests; the least lease is one second.
var quick = timings{
	answer: 5 * time.Second, resend: 50 * time.Millisecond, search: 5 * time.Second, renewMin: time.Millisecond,
	retryMin: 20 * time.Millisecond, retryMax: 100 * time.Millisecond, check: 20 * time.Millisecond, remove: 5 * time.Second,
}

// A run is a Mapper that runs.
type run struct {
	*Mapper
	t    *testing.T
	stop func() // waits

	mu      sync.Mutex
	changes []State
}

func start(t *testing.T, cfg Config, change func(m *Mapper)) *run {
	t.Helper()
	r := &run{t: t}
	if cfg.Ports == nil {
		cfg.Ports = []Port{{UDP, 9000, 0}, {TCP, 9001, 9101}}
	}
	cfg.Changed = func(s State) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changes = append(r.changes, s)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.times = quick
	if change != nil {
		change(m)
	}
	r.Mapper = m
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

// until waits for something to become true.
func (r *run) until(what string, f func() bool) {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("%s: not so; %+v", what, r.Status())
		}
	}
}

func (r *run) mapped() bool {
	return r.Status()[0].External.IsValid() && r.Status()[1].External.IsValid()
}

func (d *device) config() Config { return Config{Gateway: d.at, Search: d.search} }

// unmapped tells whether no port is mapped and the error says so.
func (r *run) failed(text string) func() bool {
	return func() bool {
		s := r.Status()[0]
		return !s.External.IsValid() && s.Err != nil && strings.Contains(s.Err.Error(), text)
	}
}

func TestUPnPMappingIsMadeRenewedAndRemoved(t *testing.T) {
	for _, service := range services {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			d := newDevice(t)
			d.set(func() { d.service = service })
			cfg := d.config()
			cfg.Lease = 4 * time.Second
			r := start(t, cfg, nil)
			r.until("mapped", r.mapped)
			s := r.Status()
			if got := s[0]; got.Protocol != UPnP || got.External.String() != "11.22.33.44:9000" || !got.Public() || got.Lease != 4*time.Second || got.Gateway.Addr() != d.at || got.Err != nil {
				t.Errorf("%+v", got)
			}
			if s[1].External.String() != "11.22.33.44:9101" {
				t.Errorf("%+v", s[1])
			}
			held, _, _ := d.get()
			if e := held["TCP 9101"]; len(held) != 2 || e.internal != 9001 || e.client != "127.0.0.1" || e.lease != 4*time.Second {
				t.Errorf("the device holds %+v", held)
			}
			r.until("renewed twice", func() bool { _, adds, _ := d.get(); return adds >= 6 })
			if _, _, lapses := d.get(); lapses != 0 {
				t.Errorf("%d renewals came too late", lapses)
			}
			r.stop()
			if held, _, _ := d.get(); len(held) != 0 {
				t.Errorf("not removed: %+v", held)
			}
			if r.Status()[0].External.IsValid() || len(r.changes) != 4 { // two mapped, two removed: no renewal is a change
				t.Errorf("%+v", r.changes)
			}
		})
	}
}

func TestPCPAndNATPMPMappingsAreMadeRenewedAndRemoved(t *testing.T) {
	for name, tc := range map[string]struct {
		pcp  bool
		want Protocol
	}{"PCP": {true, PCP}, "NAT-PMP, as the gateway knows no PCP": {false, NATPMP}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newControl(t, func(c *control) {
				c.pcp, c.lease, c.garbage = tc.pcp, 2*time.Second, tc.pcp
				if tc.pcp {
					c.external = netip.MustParseAddrPort("11.22.33.44:7777")
				}
			})
			r := start(t, Config{Gateway: c.at}, nil)
			r.until("mapped", r.mapped)
			s := r.Status()[0]
			if s.Protocol != tc.want || s.External.Addr() != c.external.Addr() || s.Lease != 2*time.Second || !s.Public() || s.Gateway != netip.AddrPortFrom(c.at, controlPort) {
				t.Errorf("%+v", s)
			}
			if tc.pcp && s.External.Port() != 7777 {
				t.Errorf("the gateway chose another port than %v", s.External)
			}
			r.until("renewed twice", func() bool { _, adds, _ := c.get(); return adds >= 6 })
			r.stop()
			if held, _, _ := c.get(); len(held) != 0 {
				t.Errorf("not removed: %+v", held)
			}
		})
	}
}

func TestRefusalsOfPCPAreTold(t *testing.T) {
	c := newControl(t, func(c *control) { c.pcp, c.result = true, 8 })
	r := start(t, Config{Gateway: c.at, Disabled: []Protocol{NATPMP, UPnP}}, nil)
	r.until("refused", r.failed("no resources"))
}

func TestUPnPFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		fault  func(port string) int
		mapped func(s State) bool // nil: not at all
	}{
		"conflict": {
			func(port string) int { return map[bool]int{true: 718}[port == "9000"] },
			func(s State) bool { return s.External.Port() >= 20000 && s.Lease == DefaultLease },
		},
		"permanent leases only": {
			func(string) int { return 725 },
			func(s State) bool { return s.External.Port() == 9000 && s.Lease == 0 },
		},
		"all ports are taken": {func(string) int { return 718 }, nil},
		"not authorized":      {func(string) int { return 606 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDevice(t)
			d.set(func() { d.fault = tc.fault })
			cfg := d.config()
			cfg.Ports = []Port{{UDP, 9000, 0}}
			r := start(t, cfg, nil)
			if tc.mapped == nil {
				r.until("failed", r.failed("UPnP error"))
				return
			}
			r.until("mapped", func() bool { return r.Status()[0].External.IsValid() })
			if s := r.Status()[0]; !tc.mapped(s) {
				t.Errorf("%+v", s)
			}
			r.stop()
			if held, _, _ := d.get(); len(held) != 0 {
				t.Errorf("not removed: %+v", held)
			}
		})
	}
}

func TestDoubleNATIsNotPublic(t *testing.T) {
	for external, public := range map[string]bool{"192.168.1.2": false, "100.64.1.1": false, "11.0.0.1": true} {
		d := newDevice(t)
		d.set(func() { d.external = external })
		r := start(t, d.config(), nil)
		r.until("mapped", r.mapped)
		if s := r.Status()[0]; s.Public() != public || s.DoubleNAT == public {
			t.Errorf("%+v", s)
		}
		r.stop()
	}
	for _, external := range []string{"0.0.0.0", "2600::1", "255.255.255.255", "x", ""} {
		d := newDevice(t)
		d.set(func() { d.external = external })
		r := start(t, d.config(), nil)
		r.until("refused "+external, r.failed(""))
		r.stop()
	}
}

func TestDeviceThatDiesIsLostAndFoundAgain(t *testing.T) {
	d := newDevice(t)
	cfg := d.config()
	cfg.Lease = time.Second
	r := start(t, cfg, nil)
	r.until("mapped", r.mapped)
	d.set(func() { d.dead = true })
	r.until("lost", r.failed(""))
	d.set(func() { d.dead = false; d.external = "11.0.0.9" }) // it has started again
	r.until("mapped again", func() bool { return r.mapped() && r.Status()[0].External.Addr().String() == "11.0.0.9" })
}

func TestNewGatewayIsNoticed(t *testing.T) {
	speaksPCP := func(c *control) { c.pcp = true }
	a, b := newControl(t, speaksPCP), newControl(t, speaksPCP)
	var router atomic.Value
	router.Store(a.at)
	r := start(t, Config{}, func(m *Mapper) { m.routers = func() netip.Addr { return router.Load().(netip.Addr) } })
	r.until("mapped", r.mapped)
	router.Store(b.at)
	r.until("mapped at the other one", func() bool { return r.mapped() && r.Status()[0].Gateway.Addr() == b.at })
	if held, _, _ := a.get(); len(held) != 0 {
		t.Errorf("the old one still holds %+v", held)
	}
}

func TestNoGateway(t *testing.T) {
	short := func(m *Mapper) {
		m.times.search = 20 * time.Millisecond
		m.routers = func() netip.Addr { return netip.Addr{} }
	}
	r := start(t, Config{Search: netip.AddrPortFrom(host(), 9), Local: netip.MustParseAddr("127.0.0.1"), Disabled: []Protocol{PCP, NATPMP}}, short)
	r.until("nothing found", func() bool { return errors.Is(r.Status()[0].Err, ErrNoGateway) })
	r = start(t, Config{Disabled: []Protocol{PCP, NATPMP, UPnP}}, short)
	r.until("disabled", func() bool { return errors.Is(r.Status()[0].Err, ErrDisabled) })
}

// A device may make us speak with itself only, whatever it says.
func TestUPnPDeviceCannotSendUsElsewhere(t *testing.T) {
	victim := newDevice(t)
	for name, change := range map[string]func(d *device){
		"location":           func(d *device) { d.location = victim.url + "/description.xml" },
		"location by name":   func(d *device) { d.location = "http://localhost:1/description.xml" },
		"location of a file": func(d *device) { d.location = "file:///etc/passwd" },
		"location with user": func(d *device) { d.location = strings.Replace(d.url, "//", "//u:p@", 1) + "/description.xml" },
		"control URL":        func(d *device) { d.control = victim.url + "/control" },
		"control by name":    func(d *device) { d.control = "http://localhost:1/control" },
		"control without //": func(d *device) { d.control = "//" + strings.TrimPrefix(victim.url, "http://") + "/control" },
		"redirect": func(d *device) {
			d.serve = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, victim.url+r.URL.Path, http.StatusFound)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t)
			d.set(func() { change(d) })
			r := start(t, d.config(), func(m *Mapper) { m.times.search = 300 * time.Millisecond })
			r.until("refused", r.failed(""))
			r.stop()
		})
	}
	if n := victim.seen(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
	d := newDevice(t) // a base elsewhere is passed over
	d.set(func() { d.base = "<URLBase>" + victim.url + "</URLBase>" })
	r := start(t, d.config(), nil)
	r.until("mapped", r.mapped)
	if n := victim.seen(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

func TestAnotherHostThanTheGatewayIsNotBelieved(t *testing.T) {
	d := newDevice(t)
	r := start(t, Config{Gateway: host(), Search: d.search}, func(m *Mapper) { m.times.search = 300 * time.Millisecond })
	r.until("not found", func() bool { return r.Status()[0].Err != nil })
	if n := d.seen(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestMalformedAnswersAreBounded(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"garbage":         func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<root><device></root>") },
		"nothing":         func(w http.ResponseWriter, _ *http.Request) {},
		"status":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"endless":         endless("<root>", "<device>"),
		"endless headers": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) },
		"silent":          func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDevice(t)
			d.set(func() { d.serve = serve })
			r := start(t, d.config(), func(m *Mapper) { m.times.answer = time.Second })
			r.until("refused", r.failed(""))
			if n := len(r.Status()[0].Err.Error()); n > 2000 {
				t.Errorf("an error of %d bytes", n)
			}
		})
	}
}

func endless(first, again string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, first)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat(again, 1000)); err != nil {
				return
			}
		}
	}
}

func TestRunEndsInTimeThoughTheGatewayIsSilent(t *testing.T) {
	d := newDevice(t)
	r := start(t, d.config(), func(m *Mapper) { m.times.remove = 50 * time.Millisecond })
	r.until("mapped", r.mapped)
	d.set(func() { d.serve = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() } })
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > quick.answer {
		t.Errorf("it took %v", took)
	}
	if err := r.Run(t.Context()); err == nil {
		t.Error("Run twice")
	}
}

func TestValidate(t *testing.T) {
	one := []Port{{UDP, 1, 0}}
	for i, cfg := range []Config{
		{}, {Ports: make([]Port, 9)}, {Ports: []Port{{UDP, 0, 1}}}, {Ports: []Port{{7, 1, 1}}}, {Ports: one, Lease: -1},
		{Ports: one, Lease: 25 * time.Hour}, {Ports: one, Gateway: netip.MustParseAddr("::1")},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("config %d is taken", i)
		}
	}
	if got := fmt.Sprint(None, PCP, NATPMP, UPnP, Protocol(9), UDP, TCP); got != "none PCP NAT-PMP UPnP UPnP UDP TCP" {
		t.Error(got)
	}
}
