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

	"clove.i2p/router/portmap/portmaptest"
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

func config(d *portmaptest.Device) Config { return Config{Gateway: d.At, Search: d.Search} }

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
			d := portmaptest.NewDevice(t)
			d.Set(func() { d.Service = service })
			cfg := config(d)
			cfg.Lease = 2 * time.Second
			r := start(t, cfg, nil)
			r.until("mapped", r.mapped)
			s := r.Status()
			if got := s[0]; got.Protocol != UPnP || got.External.String() != "11.22.33.44:9000" || !got.Public() || got.Lease != 2*time.Second || got.Gateway.Addr() != d.At || got.Err != nil {
				t.Errorf("%+v", got)
			}
			if s[1].External.String() != "11.22.33.44:9101" {
				t.Errorf("%+v", s[1])
			}
			held, _ := d.Get()
			if e := held["TCP 9101"]; len(held) != 2 || e.Internal != 9001 || e.Client != "127.0.0.1" || e.Lease != 2*time.Second {
				t.Errorf("the device holds %+v", held)
			}
			r.until("renewed twice", func() bool { _, adds := d.Get(); return adds >= 6 })
			r.stop()
			if held, _ := d.Get(); len(held) != 0 {
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
			r.until("renewed twice", func() bool { _, adds := c.Get(); return adds >= 6 })
			r.stop()
			if held, _ := c.Get(); len(held) != 0 {
				t.Errorf("not removed: %+v", held)
			}
		})
	}
}

// Half of the shortest lease leaves time for a second try; a lease of 0 does not end.
func TestRenewalComesLongBeforeTheLeaseEnds(t *testing.T) {
	at := netip.MustParseAddrPort("11.22.33.44:9000")
	for want, leases := range map[time.Duration][]time.Duration{
		30 * time.Minute: {DefaultLease, 0}, time.Minute: {2 * time.Minute, DefaultLease}, 30 * time.Second: {time.Second, 0},
	} {
		m, err := New(Config{Ports: []Port{{UDP, 9000, 0}, {TCP, 9000, 0}}})
		if err != nil {
			t.Fatal(err)
		}
		for i, lease := range leases {
			m.set(i, State{External: at, Lease: lease})
		}
		if got := m.renewal(); got != want {
			t.Errorf("leases %v are renewed in %v, want %v", leases, got, want)
		}
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
			d := portmaptest.NewDevice(t)
			d.Set(func() { d.Fault = tc.fault })
			cfg := config(d)
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
			if held, _ := d.Get(); len(held) != 0 {
				t.Errorf("not removed: %+v", held)
			}
		})
	}
}

func TestDoubleNATIsNotPublic(t *testing.T) {
	for external, public := range map[string]bool{"192.168.1.2": false, "100.64.1.1": false, "11.0.0.1": true} {
		d := portmaptest.NewDevice(t)
		d.Set(func() { d.External = external })
		r := start(t, config(d), nil)
		r.until("mapped", r.mapped)
		if s := r.Status()[0]; s.Public() != public || s.DoubleNAT == public {
			t.Errorf("%+v", s)
		}
		r.stop()
	}
	for _, external := range []string{"0.0.0.0", "2600::1", "255.255.255.255", "x", ""} {
		d := portmaptest.NewDevice(t)
		d.Set(func() { d.External = external })
		r := start(t, config(d), nil)
		r.until("refused "+external, r.failed(""))
		r.stop()
	}
}

func TestDeviceThatDiesIsLostAndFoundAgain(t *testing.T) {
	d := portmaptest.NewDevice(t)
	cfg := config(d)
	cfg.Lease = time.Second
	r := start(t, cfg, nil)
	r.until("mapped", r.mapped)
	d.Set(func() { d.Dead = true })
	r.until("lost", r.failed(""))
	d.Set(func() { d.Dead = false; d.External = "11.0.0.9" }) // it has started again
	r.until("mapped again", func() bool { return r.mapped() && r.Status()[0].External.Addr().String() == "11.0.0.9" })
}

// What a gateway may still hold is removed, or asked for again, whatever failed in the meantime: some mappings are for ever.
func TestMappingsAreNotLeftBehind(t *testing.T) {
	for name, tc := range map[string]func(d *portmaptest.Device, r *run){
		"a renewal of one port failed": func(d *portmaptest.Device, r *run) {
			d.Set(func() { d.Fault = func(port string) int { return map[bool]int{true: 501}[port == "9101"] } })
			r.until("one has failed", func() bool { s := r.Status(); return s[1].Err != nil && s[0].External.IsValid() })
		},
		"the gateway was silent, and is back": func(d *portmaptest.Device, r *run) {
			first := r.Status()[0].External
			d.Set(func() { d.Dead = true })
			r.until("lost", r.failed(""))
			d.Set(func() { d.Dead = false })
			r.until("mapped again", r.mapped)
			if again := r.Status()[0].External; again != first {
				t.Errorf("mapped at %v, then at %v", first, again)
			}
		},
		"the gateway is back when nobody asks": func(d *portmaptest.Device, r *run) {
			d.Set(func() { d.Dead = true })
			r.until("lost", r.failed(""))
			d.Set(func() { d.Dead = false })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := portmaptest.NewDevice(t)
			d.Set(func() { d.Fault = func(port string) int { return map[bool]int{true: 718, false: 725}[port == "9000"] } })
			cfg := config(d)
			cfg.Lease = time.Second
			r := start(t, cfg, func(m *Mapper) {
				if strings.Contains(name, "nobody") {
					m.times.retryMin, m.times.retryMax = time.Hour, time.Hour
				}
			})
			r.until("mapped", r.mapped)
			if s := r.Status()[0]; s.Lease != 0 || s.External.Port() < 20000 {
				t.Fatalf("%+v", s)
			}
			tc(d, r)
			r.stop()
			if held, _ := d.Get(); len(held) != 0 {
				t.Errorf("left behind: %+v", held)
			}
		})
	}
}

// An external port that another host has now is not ours to remove.
func TestPortOfAnotherHostIsNotRemoved(t *testing.T) {
	d := portmaptest.NewDevice(t)
	cfg := config(d)
	cfg.Lease = time.Second
	r := start(t, cfg, nil)
	r.until("mapped", r.mapped)
	d.Set(func() { d.Fault = func(string) int { return 718 } })
	r.until("taken", r.failed("718"))
	r.stop()
	if held, _ := d.Get(); len(held) == 0 {
		t.Error("removed")
	}
}

// With a VPN the gateway forwards an address that is not that of our traffic.
func TestGatewayThatOurTrafficBypassesIsNotAsked(t *testing.T) {
	d := portmaptest.NewDevice(t)
	for name, gateway := range map[string]netip.Addr{"gateway that the system names": d.At, "device that answers": {}} {
		cfg := config(d)
		cfg.Gateway, cfg.Disabled = gateway, []Protocol{PCP, NATPMP}
		cfg.Source = func() netip.Addr { return netip.MustParseAddr("10.8.0.2") }
		r := start(t, cfg, func(m *Mapper) {
			m.times.search, m.routers = 300*time.Millisecond, func() netip.Addr { return gateway }
		})
		r.until(name, func() bool { return errors.Is(r.Status()[0].Err, ErrBypassed) })
		r.stop()
	}
	if _, adds := d.Get(); adds != 0 {
		t.Errorf("asked %d times", adds)
	}
	cfg := config(d)
	cfg.Source = func() netip.Addr { return netip.MustParseAddr("127.0.0.1") }
	r := start(t, cfg, nil)
	r.until("mapped", r.mapped)
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
	if held, _ := a.Get(); len(held) != 0 {
		t.Errorf("the old one still holds %+v", held)
	}
}

func TestNoGateway(t *testing.T) {
	short := func(m *Mapper) {
		m.times.search = 20 * time.Millisecond
		m.routers = func() netip.Addr { return netip.Addr{} }
	}
	r := start(t, Config{Search: netip.AddrPortFrom(portmaptest.Host(), 9), Local: netip.MustParseAddr("127.0.0.1"), Disabled: []Protocol{PCP, NATPMP}}, short)
	r.until("nothing found", func() bool { return errors.Is(r.Status()[0].Err, ErrNoGateway) })
	r = start(t, Config{Disabled: []Protocol{PCP, NATPMP, UPnP}}, short)
	r.until("disabled", func() bool { return errors.Is(r.Status()[0].Err, ErrDisabled) })
}

// A device may make us speak with itself only, whatever it says.
func TestUPnPDeviceCannotSendUsElsewhere(t *testing.T) {
	victim := portmaptest.NewDevice(t)
	for name, change := range map[string]func(d *portmaptest.Device){
		"location":           func(d *portmaptest.Device) { d.Location = victim.URL + "/description.xml" },
		"location by name":   func(d *portmaptest.Device) { d.Location = "http://localhost:1/description.xml" },
		"location of a file": func(d *portmaptest.Device) { d.Location = "file:///etc/passwd" },
		"location with user": func(d *portmaptest.Device) {
			d.Location = strings.Replace(d.URL, "//", "//u:p@", 1) + "/description.xml"
		},
		"control URL":        func(d *portmaptest.Device) { d.Control = victim.URL + "/control" },
		"control by name":    func(d *portmaptest.Device) { d.Control = "http://localhost:1/control" },
		"control without //": func(d *portmaptest.Device) { d.Control = "//" + strings.TrimPrefix(victim.URL, "http://") + "/control" },
		"redirect": func(d *portmaptest.Device) {
			d.Serve = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, victim.URL+r.URL.Path, http.StatusFound)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := portmaptest.NewDevice(t)
			d.Set(func() { change(d) })
			r := start(t, config(d), func(m *Mapper) { m.times.search = 300 * time.Millisecond })
			r.until("refused", r.failed(""))
			r.stop()
		})
	}
	if n := victim.Seen(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
	d := portmaptest.NewDevice(t) // a base elsewhere is passed over
	d.Set(func() { d.Base = "<URLBase>" + victim.URL + "</URLBase>" })
	r := start(t, config(d), nil)
	r.until("mapped", r.mapped)
	if n := victim.Seen(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

func TestAnotherHostThanTheGatewayIsNotBelieved(t *testing.T) {
	d := portmaptest.NewDevice(t)
	r := start(t, Config{Gateway: portmaptest.Host(), Search: d.Search}, func(m *Mapper) { m.times.search = 300 * time.Millisecond })
	r.until("not found", func() bool { return r.Status()[0].Err != nil })
	if n := d.Seen(); n != 0 {
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
			d := portmaptest.NewDevice(t)
			d.Set(func() { d.Serve = serve })
			r := start(t, config(d), func(m *Mapper) { m.times.answer = time.Second })
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
	d := portmaptest.NewDevice(t)
	r := start(t, config(d), func(m *Mapper) { m.times.remove = 50 * time.Millisecond })
	r.until("mapped", r.mapped)
	d.Set(func() { d.Serve = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() } })
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
