package host_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/gate"
)

// cloveEnv names the folder in which a copy of the test binary runs a host, to be killed.
const cloveEnv = "HOST_TEST_CLOVE"

func clove() {
	folder := os.Getenv(cloveEnv)
	raw, err := os.ReadFile(filepath.Join(folder, "desired"))
	if err != nil {
		panic(err)
	}
	var d host.Desired
	if err := json.Unmarshal(raw, &d); err != nil {
		panic(err)
	}
	g, err := gate.New(gate.Config{})
	if err != nil {
		panic(err)
	}
	h, err := host.New(host.Config{DataDir: folder, Beside: folder, Gate: g})
	if err != nil {
		panic(err)
	}
	go func() { panic(h.Run(context.Background())) }()
	plan, err := h.Apply(context.Background(), d)
	if err != nil || len(plan.Problems) > 0 {
		panic(fmt.Sprint(plan, err))
	}
	for _, p := range h.Plugins() {
		fmt.Print(p.PID, " ")
	}
	fmt.Println()
	select {}
}

func TestNoPluginOutlivesClove(t *testing.T) {
	t.Parallel()
	if !confined() {
		t.Skip("without namespaces the children of a plugin go on")
	}
	b := newBed(t)
	b.install("tester", script{Version: "1"})
	b.install("villain", script{Behaviour: "family"})
	b.local("a", "test-local", "hi")
	b.desired.Tunnels["v"] = host.TunnelConfig{Type: "villain", Enabled: true}
	raw, err := json.Marshal(b.desired)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.beside, "desired"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	runtimeDir := t.TempDir()
	cmd.Env = append(os.Environ(), cloveEnv+"="+b.beside, "XDG_RUNTIME_DIR="+runtimeDir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = cmd.Process.Kill()
		t.Fatal(line, err, cmd.Wait())
	}
	namespaces := map[string]bool{}
	for pid := range strings.FieldsSeq(line) {
		ns, err := os.Readlink("/proc/" + pid + "/ns/pid")
		if err != nil {
			t.Fatal(err)
		}
		namespaces[ns] = true
	}
	if n := alive(t, namespaces); n < 7 { // two plugins, five shells
		t.Fatalf("%d processes", n)
	}
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	took := b.eventually("all processes are gone", func() bool { return alive(t, namespaces) == 0 })
	t.Logf("gone %v after the kill, which took %v", took, time.Since(began)-took)
}

// alive counts the processes in process namespaces that are not yet dead.
func alive(t *testing.T, namespaces map[string]bool) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		ns, err := os.Readlink("/proc/" + e.Name() + "/ns/pid")
		if err != nil || !namespaces[ns] {
			continue
		}
		stat, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
		if _, rest, ok := strings.Cut(string(stat), ") "); ok && rest[0] != 'Z' && rest[0] != 'X' {
			n++
		}
	}
	return n
}
