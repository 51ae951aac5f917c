package conformance_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"clove.i2p/plugins/conformance"
)

type counter = atomic.Uint64

func TestMain(m *testing.M) {
	if fault := os.Getenv(faultEnv); fault != "" {
		faultyMain(fault)
	}
	goleak.VerifyTestMain(m)
}

// binary is a program with a fault: this test, started by a script, because the suite gives no environment on.
func binary(t *testing.T, fault string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plugin")
	script := fmt.Sprintf("#!/bin/sh\n%s=%s exec '%s'\n", faultEnv, fault, self)
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGoodPluginPasses(t *testing.T) {
	var skipped []string
	names := map[string]bool{}
	sum, err := conformance.Run(t.Context(), conformance.Options{Binary: binary(t, "none")}, func(r conformance.Result) {
		names[r.Name] = true
		switch r.Status {
		case conformance.Failed:
			t.Errorf("%s: %s", r.Name, r.Text)
		case conformance.Skipped:
			skipped = append(skipped, r.Name)
		}
	})
	if err != nil || sum.Failed > 0 || sum.Passed+sum.Skipped != len(names) || sum.Passed < 40 {
		t.Errorf("%+v, %v", sum, err)
	}
	if got := strings.Join(skipped, ", "); got != "echo: half-close by the server" {
		t.Errorf("skipped %s", got)
	}
}

// Every check has a plugin that fails it: the suite cannot pass everything.
func TestFaultsAreFound(t *testing.T) {
	for fault, c := range map[string]struct{ check, text string }{
		"mute":        {"says what it is when started by hand", "without a word"},
		"content":     {"says what it is when started by hand", "status 0"},
		"version":     {"names its protocol version", "it says that it speaks version 99"},
		"description": {"description", `type "echo" is there twice`},
		"unknown":     {"refuses what it does not know", "Health of an unknown tunnel: no error"},
		"validate":    {"echo: bad settings", "a setting that is in no schema: no problem"},
		"start":       {"echo: start, stop, start again", "closed pipe"},
		"stop":        {"echo: start, stop, start again", "after a stop"},
		"health":      {"echo: health and metrics do not hang", "Health: "},
		"metric":      {"echo: health and metrics do not hang", "peer is there twice"},
		"corrupt":     {"echo: stream", "not the same"},
		"reload":      {"echo: reload", "has hurt an open stream"},
		"unflushed":   {"echo: half-close by the client", "not the same"},
		"descriptors": {"echo: 1000 streams", "descriptors open"},
		"memory":      {"echo: slow reader", "nobody reads, and"},
		"drain":       {"echo: drain with open connections", "no connection is open, and one is"},
		"drain-cuts":  {"echo: drain with open connections", "does not survive"},
		"half-close":  {"raw-server: half-close by the server", "arrive"},
		"immortal":    {"ends when the host is gone", "still runs"},
	} {
		t.Run(fault, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o := conformance.Options{Binary: binary(t, fault)}
			if typ, _, ok := strings.Cut(c.check, ": "); ok {
				o.Types = []string{typ}
			} else {
				o.Types = []string{"none"}
			}
			var found *conformance.Result
			_, _ = conformance.Run(ctx, o, func(r conformance.Result) {
				if r.Name == c.check {
					found = &r
					cancel()
				}
			})
			if found == nil || found.Status != conformance.Failed || !strings.Contains(found.Text, c.text) {
				t.Fatalf("got %+v, want %q to fail with %q", found, c.check, c.text)
			}
		})
	}
}

func TestSettingsCanBeGiven(t *testing.T) {
	failed := map[string]string{}
	_, err := conformance.Run(t.Context(), conformance.Options{
		Binary: binary(t, "none"), Types: []string{"echo"}, Settings: map[string]any{"mode": "b", "echo.mode": "c"},
	}, func(r conformance.Result) {
		if r.Status == conformance.Failed {
			failed[r.Name] = r.Text
		}
	})
	if err != nil || len(failed) != 1 || !strings.Contains(failed["echo: settings"], "is none of a, b") {
		t.Fatalf("%v, %v", failed, err)
	}
}

func TestWhatIsNoProgramIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Dir(file), "/nonexistent"} {
		_, err := conformance.Run(t.Context(), conformance.Options{Binary: path}, func(r conformance.Result) {
			t.Errorf("%s: reported %+v", path, r)
		})
		if err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}
