//go:build linux

package natlab_test

import (
	"errors"
	"flag"
	"os"
	"testing"

	"clove.i2p/tests/natlab"
	"clove.i2p/tests/netns"
	"clove.i2p/tests/netns/netnstest"
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

func newLab(t *testing.T) *natlab.Lab {
	t.Helper()
	if unavailable != nil {
		netnstest.Missing(t, unavailable)
	}
	l, err := natlab.New()
	if err != nil {
		netnstest.Missing(t, err)
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
	check(t, err)
	return h
}

// check ends the test after an error. It is skipped where there are no relays, unless these tests are required.
func check(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, natlab.ErrNoRelay) {
		netnstest.Missing(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
