//go:build linux

package netnstest

import (
	"os"
	"os/exec"
	"testing"

	"clove.i2p/tests/netns"
)

// Inside runs the test again, in a network namespace that has only loopback, with the addresses of tests/netns. It reports
// whether this is that copy, which does the work; the other one has waited for it, and has nothing left to do. Tools are
// programs without which the test is Missing something.
func Inside(t *testing.T, tools ...string) bool {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			Missing(t, err)
		}
	}
	if netns.Inside() {
		if err := netns.RaiseLoopback(); err != nil {
			t.Fatal(err)
		}
		return true
	}
	args := os.Args
	defer func() { os.Args = args }()
	os.Args = append(args[:len(args):len(args)], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v=true")
	code, err := netns.Reexec()
	if err != nil {
		Missing(t, err)
	}
	if code != 0 {
		t.Fatalf("exit code %d in the namespace", code)
	}
	return false
}
