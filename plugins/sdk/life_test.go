package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestDrainLetsConnectionsEnd(t *testing.T) {
	h := plugintest.NewHost(t)
	returned := make(chan error, 1)
	tun := h.Start(plugin(sdk.Server, func(ctx context.Context, tun *sdk.Tunnel, s struct{}) error {
		err := echoServer(ctx, tun, s)
		returned <- err
		return err
	}), "test", nil)
	c := dial(t, h, tun.Name(), 1)
	if _, err := io.WriteString(c, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if open := tun.Drain(50 * time.Millisecond); open != 1 {
		t.Fatalf("%d connections open at the deadline, want 1", open)
	}
	select {
	case err := <-returned:
		t.Fatalf("Run returned while a connection was open: %v", err)
	default:
	}
	drained := make(chan int, 1)
	go func() { drained <- tun.Drain(patience) }()
	if got := exchange(t, c, "still there"); got != "still there" {
		t.Fatalf("got %q", got)
	}
	if open := <-drained; open != 0 {
		t.Fatalf("%d connections open", open)
	}
	if err := <-returned; err != nil {
		t.Fatalf("Run returned %v", err)
	}
	if state, text := tun.Health(); state != sdk.Healthy {
		t.Fatalf("%v: %s", state, text)
	}
	tun.Stop()
}

func TestStopClosesConnections(t *testing.T) {
	h := plugintest.NewHost(t)
	tun := h.Start(plugin(sdk.Server, echoServer), "test", nil)
	c := dial(t, h, tun.Name(), 1)
	_, _ = io.WriteString(c, "x")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	tun.Stop()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadAll(c); err != nil && !isReset(err) {
		t.Fatalf("the connection did not end: %v", err)
	}
	if _, err := h.I2P.Dial(t.Context(), "visitor.i2p", tun.Name(), 1); err == nil {
		t.Fatal("a stopped tunnel takes connections")
	}
}

func isReset(err error) bool { return strings.Contains(err.Error(), "reset") }

func TestPanicInRunEndsTheTunnelOnly(t *testing.T) {
	h := plugintest.NewHost(t)
	trigger := make(chan struct{})
	bad := h.Start(plugin(sdk.Server, func(_ context.Context, tun *sdk.Tunnel, _ struct{}) error {
		tun.Started()
		<-trigger
		panic("no such luck")
	}), "test", nil)
	good := h.Start(plugin(sdk.Server, echoServer), "test", nil)
	close(trigger)
	var text string
	eventually(t, "the tunnel has failed", func() bool {
		var state sdk.HealthState
		state, text = bad.Health()
		return state == sdk.Failed
	})
	if text != "panic: no such luck" {
		t.Fatalf("health says %q", text)
	}
	if got := exchange(t, dial(t, h, good.Name(), 1), "fine"); got != "fine" {
		t.Fatalf("got %q", got)
	}
	eventually(t, "the stack is in the log", func() bool {
		return slices.ContainsFunc(h.Logs(), func(l string) bool { return strings.Contains(l, "panic in Run") && strings.Contains(l, "life_test.go") })
	})
}

func TestPanicInHandlerEndsTheConnectionOnly(t *testing.T) {
	h := plugintest.NewHost(t)
	var calls atomic.Int32
	tun := h.Start(plugin(sdk.Server, func(ctx context.Context, tun *sdk.Tunnel, _ struct{}) error {
		l, err := tun.Listen(0)
		if err != nil {
			return err
		}
		return tun.Serve(ctx, l, func(ctx context.Context, c net.Conn) {
			if calls.Add(1) == 1 {
				panic("first")
			}
			echo(ctx, c)
		})
	}), "test", nil)
	first := dial(t, h, tun.Name(), 1)
	_ = first.SetDeadline(time.Now().Add(patience))
	if b, err := io.ReadAll(first); err != nil || len(b) > 0 {
		t.Fatalf("%q, %v", b, err)
	}
	if got := exchange(t, dial(t, h, tun.Name(), 1), "second"); got != "second" {
		t.Fatalf("got %q", got)
	}
}

func TestErrorsBeforeStartedAreOfStart(t *testing.T) {
	h := plugintest.NewHost(t)
	for want, f := range map[string]func(context.Context, *sdk.Tunnel, struct{}) error{
		"the backend is down":          func(context.Context, *sdk.Tunnel, struct{}) error { return errors.New("the backend is down") },
		"panic: nil map":               func(context.Context, *sdk.Tunnel, struct{}) error { panic("nil map") },
		"neither stopped nor draining": func(context.Context, *sdk.Tunnel, struct{}) error { return nil },
	} {
		if err := h.StartErr(plugin(sdk.None, f), "test", nil); !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestValidateProblemsAreOfStart(t *testing.T) {
	h := plugintest.NewHost(t)
	p := sdk.Plugin{Name: "test", Version: "1", Types: []sdk.TunnelType{sdk.Type[localSettings]{
		Name: "test",
		Validate: func(s localSettings) []sdk.Problem {
			if s.Target == "" {
				return []sdk.Problem{{Key: "target", Text: "give one\xff"}}
			}
			panic("in Validate")
		},
		Run: func(context.Context, *sdk.Tunnel, localSettings) error { panic("must not run") },
	}}}
	if err := h.StartErr(p, "test", nil); !strings.Contains(err.Error(), "target: give one?") {
		t.Errorf("got %v", err)
	}
	if problems := h.Problems(p, "test", nil); len(problems) != 1 || problems[0].Key != "target" {
		t.Errorf("got %v", problems)
	}
	if err := h.StartErr(p, "test", map[string]any{"target": "127.0.0.1:1"}); !strings.Contains(err.Error(), "panic in Validate: in Validate") {
		t.Errorf("got %v", err)
	}
}

type greeting struct {
	Text string `setting:"text" default:"hello"`
}

func TestReload(t *testing.T) {
	h := plugintest.NewHost(t)
	var text atomic.Pointer[string]
	p := plugin(sdk.None, func(ctx context.Context, tun *sdk.Tunnel, s greeting) error {
		text.Store(&s.Text)
		sdk.OnReload(tun, func(s greeting) bool {
			if s.Text == "panic" {
				panic("reload")
			}
			text.Store(&s.Text)
			return s.Text != "restart"
		})
		tun.Started()
		<-ctx.Done()
		return nil
	})
	tun := h.Start(p, "test", nil)
	if *text.Load() != "hello" {
		t.Fatalf("text %q", *text.Load())
	}
	if !tun.Reload(map[string]any{"text": "bye"}) || *text.Load() != "bye" {
		t.Fatalf("text %q", *text.Load())
	}
	if tun.Reload(map[string]any{"text": "restart"}) {
		t.Fatal("applied")
	}
	err := h.StartErr(plugin(sdk.None, func(_ context.Context, tun *sdk.Tunnel, _ greeting) error {
		sdk.OnReload(tun, func(struct{}) bool { return true })
		return nil
	}), "test", nil)
	if !strings.Contains(err.Error(), "the settings of this tunnel type are sdk_test.greeting") {
		t.Fatalf("got %v", err)
	}
	without := h.Start(plugin(sdk.Server, echoServer), "test", nil)
	if without.Reload(nil) {
		t.Fatal("applied without OnReload")
	}
}

func TestHealthAndMetrics(t *testing.T) {
	h := plugintest.NewHost(t)
	hang := make(chan struct{})
	var mode atomic.Int32
	tun := h.Start(plugin(sdk.None, func(ctx context.Context, tun *sdk.Tunnel, _ struct{}) error {
		seen := tun.Counter("lines_seen", "lines")
		seen.Add(3)
		tun.Counter("lines_seen", "lines").Add(4)
		tun.Gauge("backlog", "waiting", func() float64 {
			if mode.Load() == 2 {
				<-hang
			}
			return 1.5
		})
		tun.OnHealth(func() (sdk.HealthState, string) {
			switch mode.Load() {
			case 1:
				panic("in health")
			case 2:
				<-hang
			}
			return sdk.Degraded, "the backend is down"
		})
		tun.Started()
		<-ctx.Done()
		return nil
	}), "test", nil)
	if state, text := tun.Health(); state != sdk.Degraded || text != "the backend is down" {
		t.Errorf("%v: %s", state, text)
	}
	if m := tun.Metrics(); m["lines_seen"] != 7 || m["backlog"] != 1.5 {
		t.Errorf("%v", m)
	}
	mode.Store(1)
	if state, text := tun.Health(); state != sdk.Degraded || !strings.Contains(text, "panic: in health") {
		t.Errorf("%v: %s", state, text)
	}
	mode.Store(2)
	for range 3 {
		if state, text := tun.Health(); state != sdk.Degraded || !strings.Contains(text, "does not answer") {
			t.Errorf("%v: %s", state, text)
		}
	}
	if m := tun.Metrics(); m["lines_seen"] != 7 {
		t.Errorf("counters wait for a gauge that hangs: %v", m)
	}
	close(hang)
	mode.Store(0)
	eventually(t, "health answers again", func() bool {
		_, text := tun.Health()
		return text == "the backend is down"
	})
}

func TestWrongMetricsPanic(t *testing.T) {
	h := plugintest.NewHost(t)
	inTunnel(t, h, sdk.None, nil, func(_ context.Context, tun *sdk.Tunnel, _ struct{}) {
		tun.Counter("a", "")
		for want, f := range map[string]func(){
			"lower-case": func() { tun.Counter("A b", "") },
			"both":       func() { tun.Gauge("a", "", func() float64 { return 0 }) },
			"more than 256": func() {
				for i := range 300 {
					tun.Counter(fmt.Sprintf("peer_%d", i), "")
				}
			},
		} {
			func() {
				defer func() {
					if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), want) {
						t.Errorf("panic %v, want %q", v, want)
					}
				}()
				f()
			}()
		}
	})
}

func TestLogGoesToTheHost(t *testing.T) {
	h := plugintest.NewHost(t)
	inTunnel(t, h, sdk.None, nil, func(_ context.Context, tun *sdk.Tunnel, _ struct{}) {
		log := tun.Log.With("client", 7).WithGroup("irc")
		log.Warn("dropped \xff", "verb", "DCC SEND", "peer", sdk.Address{Base32: "abcdefghijklmnop.b32.i2p"})
		tun.Log.Debug("long", "text", strings.Repeat("long ", 2000))
		tun.Log.LogAttrs(context.Background(), slog.LevelInfo, "bare")
	})
	eventually(t, "the lines arrive", func() bool {
		all := strings.Join(h.Logs(), "\n")
		return strings.Contains(all, "dropped ?") && strings.Contains(all, "client=7") && strings.Contains(all, "DCC SEND") &&
			strings.Contains(all, "abcdef...") && strings.Contains(all, "long long") && strings.Contains(all, "bare")
	})
	if all := strings.Join(h.Logs(), "\n"); strings.Contains(all, "abcdefg") {
		t.Fatal("a destination is in the log")
	}
}

func TestUpgradeKeepsListeners(t *testing.T) {
	h := plugintest.NewHost(t)
	named := func(name string) sdk.Plugin {
		return plugin(sdk.Server, func(ctx context.Context, tun *sdk.Tunnel, _ struct{}) error {
			l, err := tun.Listen(0)
			if err != nil {
				return err
			}
			return tun.Serve(ctx, l, func(ctx context.Context, c net.Conn) {
				_, _ = io.WriteString(c, name)
				echo(ctx, c)
			})
		})
	}
	tun := h.Start(named("old "), "test", nil)
	before := tun.Address()
	open := dial(t, h, tun.Name(), 1)
	if _, err := io.ReadFull(open, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	done := make(chan int, 1)
	go func() { done <- tun.Upgrade(named("new "), nil, patience) }()
	eventually(t, "the new one answers", func() bool {
		return exchange(t, dial(t, h, tun.Name(), 1), "x") == "new x"
	})
	if got := exchange(t, open, "goes on"); got != "goes on" {
		t.Fatalf("got %q", got)
	}
	if left := <-done; left != 0 {
		t.Fatalf("%d connections left", left)
	}
	if got := exchange(t, dial(t, h, tun.Name(), 1), "y"); got != "new y" {
		t.Fatalf("got %q", got)
	}
	if tun.Address() != before {
		t.Fatal("the address changed")
	}
}

func TestListenersOfRunMayBeClosedAndOpened(t *testing.T) {
	h := plugintest.NewHost(t)
	tun := h.Start(plugin(sdk.Server, func(ctx context.Context, tun *sdk.Tunnel, _ struct{}) error {
		for i := range 3 {
			l, err := tun.Listen(5)
			if err != nil {
				return fmt.Errorf("listen %d: %w", i, err)
			}
			go func() { _ = l.Close() }()
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("accept %d: %w", i, err)
			}
			if err := l.Close(); err != nil {
				return err
			}
		}
		l, err := tun.Listen(5)
		if err != nil {
			return err
		}
		if _, err := tun.Listen(70000); err == nil {
			return errors.New("port 70000")
		}
		return tun.Serve(ctx, l, echo)
	}), "test", nil)
	if got := exchange(t, dial(t, h, tun.Name(), 5), "x"); got != "x" {
		t.Fatalf("got %q", got)
	}
}
