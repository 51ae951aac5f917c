package sdk_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/plugintest/fakenet"
	"clove.i2p/plugins/sdk"
)

// serveEnv makes the test binary a plugin.
const serveEnv = "CLOVE_TEST_SERVE"

// The sockets are there still: the parent alone has gone.
func TestProcessEndsWithItsParent(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc")
	}
	g, err := gate.New(gate.Config{Network: fakenet.New()})
	if err != nil {
		t.Fatal(err)
	}
	instance, err := g.NewInstance(gate.InstanceConfig{Plugin: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { _ = instance.Serve(ctx, 0) })
	defer func() {
		cancel()
		serving.Wait()
		_ = g.Close()
	}()

	// The shell is the parent; it tells the plugin's number, and then waits for ever.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command("/bin/sh", "-c", `"$0" & echo "pid $!"; wait`, self)
	parent.Env = append(instance.Env(), serveEnv+"=1", api.CookieEnv+"="+api.Cookie, "PATH=/usr/bin:/bin", "TMPDIR="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = parent.Wait() }()
	pid, shaken := 0, false
	for lines := bufio.NewScanner(out); (pid == 0 || !shaken) && lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "pid "); ok {
			pid, _ = strconv.Atoi(text)
		}
		shaken = shaken || strings.HasPrefix(lines.Text(), "1|1|unix|")
	}
	if pid == 0 || !shaken || !alive(pid) {
		t.Fatalf("plugin %d, handshake %v", pid, shaken)
	}
	_ = parent.Process.Kill()
	eventually(t, "the plugin ends", func() bool { return !alive(pid) })
}

// alive: a process that nobody has waited for is a zombie, and not alive.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func TestGoneIsTheEndOfTheSocket(t *testing.T) {
	g, err := gate.New(gate.Config{Network: fakenet.New()})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	instance, err := g.NewInstance(gate.InstanceConfig{Plugin: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = instance.Serve(ctx, 0)
	}()
	p, err := sdk.Connect(plugin(sdk.Server, echoServer), instance.HostSocket(), instance.DataSocket())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(time.Second)
	select {
	case <-p.Gone():
		t.Fatal("the host has not gone")
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	<-served
	select {
	case <-p.Gone():
	case <-time.After(patience):
		t.Fatal("nobody noticed that the host has gone")
	}
}
