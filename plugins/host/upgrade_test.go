package host_test

import (
	"maps"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/plugins/host"
)

// visitors connect again and again, and count those who were not served.
type visitors struct {
	stop    chan struct{}
	done    sync.WaitGroup
	mu      sync.Mutex
	served  map[string]int // by greeting
	failed  int
	lastErr error
}

func (b *bed) visitors(address string) *visitors {
	v := &visitors{stop: make(chan struct{}), served: map[string]int{}}
	v.done.Go(func() {
		for {
			select {
			case <-v.stop:
				return
			default:
			}
			greeting, err := visit(address)
			v.mu.Lock()
			if err != nil {
				v.failed++
				v.lastErr = err
			} else {
				v.served[greeting]++
			}
			v.mu.Unlock()
		}
	})
	b.t.Cleanup(v.end)
	return v
}

func visit(address string) (string, error) {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	buf := make([]byte, 64)
	n, err := c.Read(buf)
	return strings.TrimSpace(string(buf[:n])), err
}

func (v *visitors) end() {
	select {
	case <-v.stop:
	default:
		close(v.stop)
	}
	v.done.Wait()
}

func TestUpgradeInterruptsNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	undisturbed := b.bystander()
	b.install("tester", script{Version: "1"})
	address := b.local("a", "test-local", "hi")
	b.desired.Tunnels["s"] = host.TunnelConfig{Type: "test-server", Enabled: true}
	b.applied()
	old, _ := b.connect(address)
	oldPID := b.plugin("tester").PID
	v := b.visitors(address)
	served := func(greeting string) func() bool {
		return func() bool {
			v.mu.Lock()
			defer v.mu.Unlock()
			return v.served[greeting] >= 5
		}
	}
	b.eventually("visitors", served("1 hi"))
	b.install("tester", script{Version: "2"})
	if err := b.host.Upgrade(b.ctx, "tester", b.desired.Plugins["tester"]); err != nil {
		t.Fatal(err)
	}
	b.eventually("visitors of the new one", served("2 hi"))
	old.works("on the old process")
	if p := b.plugin("tester"); p.Version != "2" || p.PID == oldPID || p.State != host.PluginRunning || p.Restarts != 0 {
		t.Errorf("%+v", p)
	}
	_, greeting := b.connect(address)
	if greeting != "2 hi" {
		t.Errorf("%q", greeting)
	}
	v.end()
	if v.failed > 0 {
		t.Errorf("%d of %v were not served: %v", v.failed, v.served, v.lastErr)
	}
	_ = old.Close()
	b.eventually("the old process ends", func() bool { _, err := os.Stat("/proc/" + itoa(oldPID)); return err != nil })
	b.connect(address)
	if s := b.tunnel("s"); s.State != host.TunnelRunning {
		t.Errorf("%+v", s)
	}
	if plan := b.applied(); !plan.Empty() {
		t.Errorf("the upgrade is not what is desired: %+v", plan)
	}
	undisturbed()
}

func TestUpgradeThatFailsLeavesTheOldOne(t *testing.T) {
	for name, c := range map[string]struct {
		script script
		want   string
		keeps  bool // the open connection
	}{
		"does not start":           {script{Behaviour: "exit"}, "cannot find my hat", true},
		"other protocol":           {script{Behaviour: "x", Protocol: 2}, "version 2", true},
		"lacks the type":           {script{Version: "2", Types: []string{"best"}}, "no tunnel type test-local", true},
		"refuses the settings":     {script{Version: "2", Refuse: "hi"}, "greeting: not polite", true},
		"does not describe":        {script{Behaviour: "hang-describe"}, "did not answer Describe", true},
		"does not start a tunnel":  {script{Version: "2", FailStart: "hi"}, "tunnel b: out of ideas", false},
		"describes itself wrongly": {script{Behaviour: "own-key"}, "clove's own", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.install("tester", script{Version: "1"})
			address := b.local("a", "test-local", "other")
			second := b.local("b", "test-local", "hi")
			b.applied()
			pid := b.plugin("tester").PID
			open, _ := b.connect(second)
			before := maps.Clone(b.desired.Plugins)
			b.install("tester", c.script)
			err := b.host.Upgrade(b.ctx, "tester", b.desired.Plugins["tester"])
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "stays") {
				t.Fatalf("%v", err)
			}
			if c.keeps {
				open.works("still there")
			}
			for _, address := range []string{address, second} {
				if _, greeting := b.connect(address); !strings.HasPrefix(greeting, "1 ") {
					t.Errorf("%q", greeting)
				}
			}
			if p := b.plugin("tester"); p.PID != pid || p.State != host.PluginRunning || p.Version != "1" {
				t.Errorf("%+v", p)
			}
			b.desired.Plugins = before
			if plan := b.applied(); !plan.Empty() {
				t.Errorf("%+v", plan)
			}
			// Some other time it works.
			b.install("tester", script{Version: "3"})
			if err := b.host.Upgrade(b.ctx, "tester", b.desired.Plugins["tester"]); err != nil {
				t.Fatal(err)
			}
			if _, greeting := b.connect(address); greeting != "3 other" {
				t.Errorf("%q", greeting)
			}
		})
	}
}
