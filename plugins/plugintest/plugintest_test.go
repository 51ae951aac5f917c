package plugintest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type settings struct {
	Listen string `setting:"listen" kind:"listen-address" default:"127.0.0.1:0"`
	Target string `setting:"target" kind:"i2p-address" required:"true"`
	DCC    bool   `setting:"dcc" publish:"true"`
}

// bridge is a local port to a destination.
var bridge = sdk.Plugin{
	Name: "bridge", Version: "1", Permissions: []sdk.Permission{sdk.DialI2P, sdk.ListenLocal},
	Types: []sdk.TunnelType{sdk.Type[settings]{Name: "bridge", Destination: sdk.Client, Protocol: "raw", Run: run}},
}

func run(ctx context.Context, t *sdk.Tunnel, s settings) error {
	l, err := t.ListenLocal(s.Listen)
	if err != nil {
		return err
	}
	return t.Serve(ctx, l, func(ctx context.Context, c net.Conn) {
		to, err := t.Dial(ctx, s.Target+":7")
		if err != nil {
			_, _ = io.WriteString(c, "no: "+err.Error())
			return
		}
		defer to.Close()
		_, _ = io.Copy(c, to)
	})
}

func read(t *testing.T, address string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSeveralTunnelsAndPeers(t *testing.T) {
	h := plugintest.NewHost(t)
	for i := range 2 {
		l, err := h.I2P.Listen(fmt.Sprintf("peer%d.i2p", i), 7)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = fmt.Fprintf(c, "I am %d", i)
				_ = c.Close()
			}
		}()
	}
	one := h.Start(bridge, "bridge", map[string]any{"target": "peer0.i2p"})
	two := h.Start(bridge, "bridge", map[string]any{"target": "peer1.i2p", "dcc": true})
	if one.Name() != "bridge" || two.Name() != "bridge-2" || one.Address() == two.Address() {
		t.Fatalf("%s %s, %s %s", one.Name(), one.Address(), two.Name(), two.Address())
	}
	if a, b := read(t, one.LocalAddress()), read(t, two.LocalAddress()); a != "I am 0" || b != "I am 1" {
		t.Fatalf("%q, %q", a, b)
	}
	if one.Status().Published || !two.Status().Published {
		t.Fatal("a setting with publish does not decide")
	}
	address := one.LocalAddress()
	one.Stop()
	if c, err := net.Dial("tcp", address); err == nil {
		_ = c.Close()
		t.Fatal("a stopped tunnel listens")
	}
	if b := read(t, two.LocalAddress()); b != "I am 1" {
		t.Fatalf("the other tunnel says %q", b)
	}
}

func TestErrorsReachThePlugin(t *testing.T) {
	h := plugintest.NewHost(t)
	tun := h.Start(bridge, "bridge", map[string]any{"target": "nobody.i2p"})
	if got := read(t, tun.LocalAddress()); !strings.HasPrefix(got, "no: ") || !strings.Contains(got, "address book") {
		t.Fatalf("got %q", got)
	}
}

func TestStartErrTellsWhy(t *testing.T) {
	h := plugintest.NewHost(t)
	for want, c := range map[string]struct {
		typ    string
		values map[string]any
	}{
		`target: it is missing`:                             {"bridge", nil},
		`nope: tunnels of type bridge have no such setting`: {"bridge", map[string]any{"target": "a.i2p", "nope": 1}},
		`no tunnel type "bride"`:                            {"bride", nil},
	} {
		if err := h.StartErr(bridge, c.typ, c.values); !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = h.StartErr(bridge, "bridge", map[string]any{"target": "a.i2p", "listen": taken.Addr().String()})
	if !errors.Is(err, api.ErrInUse) {
		t.Errorf("port in use: %v", err)
	}
	h.Grant(sdk.ListenI2P)
	if err := h.StartErr(bridge, "bridge", map[string]any{"target": "a.i2p"}); !errors.Is(err, api.ErrPermission) {
		t.Errorf("not granted: %v", err)
	}
	if err := h.StartErr(sdk.Plugin{Name: "X"}, "x", nil); !strings.Contains(err.Error(), `plugin "X"`) {
		t.Errorf("wrong plugin: %v", err)
	}
}

// A connection that comes while no process is there waits for the next one.
func TestCrashAndUpgrade(t *testing.T) {
	h := plugintest.NewHost(t)
	h.I2P.Offline("a.i2p")
	values := map[string]any{"target": "a.i2p"}
	tun := h.Start(bridge, "bridge", values)
	address := tun.LocalAddress()
	tun.Kill()
	got := make(chan string, 1)
	go func() { got <- read(t, address) }()
	for end := time.Now().Add(30 * time.Second); tun.Status().Waiting == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the connection does not wait")
		}
	}
	tun.Restart(bridge, values)
	if text := <-got; !strings.Contains(text, "no: ") {
		t.Fatalf("got %q", text)
	}
	if tun.LocalAddress() != address {
		t.Fatal("the listener has moved")
	}
}
