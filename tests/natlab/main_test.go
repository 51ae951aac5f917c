//go:build linux

package natlab_test

import (
	"flag"
	"os"
	"testing"

	"clove.i2p/tests/natlab"
	"clove.i2p/tests/netns"
)

// unavailable is why there can be no laboratory here.
var unavailable error

// TestMain runs the tests in a namespace of their own: this process only waits for the one inside.
func TestMain(m *testing.M) {
	flag.Parse()
	if netns.Inside() {
		os.Exit(m.Run())
	}
	code, err := netns.Reexec()
	if err != nil {
		unavailable = err
		os.Exit(m.Run())
	}
	os.Exit(code)
}

// skip ends the test with a reason, which is a failure where these tests are required.
func skip(t *testing.T, reason error) {
	t.Helper()
	if os.Getenv("CLOVE_INTEROP") == "required" {
		t.Fatalf("CLOVE_INTEROP=required: %v", reason)
	}
	t.Skip(reason)
}

func newLab(t *testing.T) *natlab.Lab {
	t.Helper()
	if unavailable != nil {
		skip(t, unavailable)
	}
	l, err := natlab.New()
	if err != nil {
		skip(t, err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func newHost(t *testing.T, l *natlab.Lab, s natlab.Spec) *natlab.Host {
	t.Helper()
	h, err := l.NewHost(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
