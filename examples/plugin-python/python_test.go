// Package python_test tries the plugin in Python as any other binary.
package python_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"clove.i2p/plugins/conformance"
)

// need skips where a tool of the distribution is missing, unless CLOVE_INTEROP=required.
func need(t *testing.T, why string, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CLOVE_INTEROP") == "required":
		t.Fatalf("%s: %v\n%s", why, err, out)
	default:
		t.Skipf("%s (%v); CLOVE_INTEROP=required makes this an error", why, err)
	}
}

func TestConformance(t *testing.T) {
	need(t, "needs python3-grpcio and python3-protobuf for /usr/bin/python3", "/usr/bin/python3", "-c", "import grpc, google.protobuf")
	need(t, "needs protobuf-compiler", "protoc", "--version")
	need(t, "needs make", "make", "--version")
	folder := t.TempDir()
	if out, err := exec.Command("make", "OUT="+folder).CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	var skipped []string
	sum, err := conformance.Run(t.Context(), conformance.Options{Binary: filepath.Join(folder, "clove-plugin-python")}, func(r conformance.Result) {
		switch r.Status {
		case conformance.Failed:
			t.Errorf("%s: %s", r.Name, r.Text)
		case conformance.Skipped:
			skipped = append(skipped, r.Name)
		}
	})
	if err != nil || sum.Failed > 0 || sum.Passed < 30 {
		t.Errorf("%+v, %v", sum, err)
	}
	if got := strings.Join(skipped, ", "); got != "python-echo: half-close by the server" {
		t.Errorf("skipped: %s", got)
	}
}

// The README's settings are those of the plugin.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("plugin.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		for _, line := range regexp.MustCompile(`(?m)^(\w+) = "?([^"\n]*)`).FindAllStringSubmatch(block[1], -1) {
			want := `setting("` + line[1] + `"`
			if line[1] == "type" {
				want = `"` + line[2] + `": (`
			}
			if !strings.Contains(string(source), want) {
				t.Errorf("%s: plugin.py has no %s", line[0], want)
			}
		}
	}
}
