package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// conformanceTime is for all checks of one program, with 1,000 streams for each of its tunnel types.
const conformanceTime = 5 * time.Minute

// conforms runs clove plugin conformance against a program: no check fails, and those that are skipped say why: they are for
// streams that carry any bytes, or are as expected.
func conforms(t *testing.T, binary string, skips []string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), conformanceTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"plugin", "conformance", binary, "--json"}, args...)...)
	cmd.Env = environ()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	counts := map[string]int{}
	for d := json.NewDecoder(&out); d.More(); {
		var r struct{ Name, Status, Text string }
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		counts[r.Status]++
		switch {
		case r.Status == "failed":
			t.Errorf("%s: %s", r.Name, r.Text)
		case r.Status == "skipped" && !strings.Contains(r.Text, "for raw") && !strings.Contains(strings.Join(skips, "\n"), r.Name):
			t.Errorf("%s is skipped: %s", r.Name, r.Text)
		}
	}
	if err != nil || counts["passed"] < 15 {
		t.Errorf("clove plugin conformance %s: %v, %v\n%s", filepath.Base(binary), counts, err, errs.String())
	}
	t.Logf("%s: %v", filepath.Base(binary), counts)
}

// The suite's visitors come faster than a server that faces the world lets them.
var unlimited = map[string][]string{
	"tcp": {"total_minute=0", "peer_minute=0", "peer_hour=0", "peer_day=0"},
	"irc": {"total_minute=0", "peer_minute=0", "peer_hour=0", "peer_day=0"},
}

func TestBundledPluginsConform(t *testing.T) {
	bundled, err := filepath.Glob(filepath.Join(filepath.Dir(program), "clove-plugin-*"))
	if err != nil || len(bundled) < 4 {
		t.Fatalf("bundled plugins: %v, %v", bundled, err)
	}
	for _, binary := range bundled {
		var sets []string
		for _, s := range unlimited[strings.TrimPrefix(filepath.Base(binary), "clove-plugin-")] {
			sets = append(sets, "--set", s)
		}
		conforms(t, binary, nil, sets...)
	}
}

// A program that does not keep the contract is told so: the suite can fail.
func TestOtherProgramsDoNotConform(t *testing.T) {
	for _, binary := range []string{"/bin/true", "/bin/cat", program} {
		cmd := exec.Command(program, "plugin", "conformance", binary)
		cmd.Env = environ()
		out, err := cmd.CombinedOutput()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || !strings.Contains(string(out), "failed   handshake") {
			t.Errorf("%s: %v\n%s", binary, err, out)
		}
	}
}

func TestExamplesConform(t *testing.T) {
	echo := filepath.Join(t.TempDir(), "clove-plugin-echo")
	if err := build(echo, "clove.i2p/examples/plugin-echo"); err != nil {
		t.Fatal(err)
	}
	conforms(t, echo, nil)
}

func TestPythonConforms(t *testing.T) {
	makeProgram := installed(t, "make")
	installed(t, "protoc")
	if out, err := exec.Command(installed(t, "/usr/bin/python3"), "-c", "import grpc, google.protobuf").CombinedOutput(); err != nil {
		if os.Getenv("CLOVE_INTEROP") == "required" {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Skip("python3-grpcio or python3-protobuf is not installed")
	}
	dir := t.TempDir()
	ran(t, nil, makeProgram, "-C", filepath.Join(root, "examples", "plugin-python"), "OUT="+dir)
	// Python's echo has no end of its own that the suite could close.
	conforms(t, filepath.Join(dir, "clove-plugin-python"), []string{"python-echo: half-close by the server"})
}

// What clove plugin new writes builds without a network, and passes its own tests and the suite by the commands that it prints.
func TestNewPluginConforms(t *testing.T) {
	installed(t, "make")
	source, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "clove-plugin-my-weather")
	said := ran(t, nil, program, "plugin", "new", "my-weather", "--dir", dir, "--source", source)
	script := []string{"set -e"}
	for line := range strings.Lines(said) {
		if command, ok := strings.CutPrefix(line, "  "); ok && !strings.Contains(line, "plugin add") { // for that a clove has to run
			script = append(script, command)
		}
	}
	if len(script) != 3 {
		t.Fatalf("clove plugin new says\n%s", said)
	}
	env := []string{"PATH=" + filepath.Dir(program) + string(os.PathListSeparator) + os.Getenv("PATH"), "GOPROXY=off", "GOWORK=off"}
	if out := ran(t, env, "sh", "-c", strings.Join(script, "\n")); !strings.Contains(out, " 0 failed") {
		t.Errorf("it printed\n%s", out)
	}
	conforms(t, filepath.Join(dir, "clove-plugin-my-weather"), nil)
}
