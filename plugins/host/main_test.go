package host_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"clove.i2p/plugins/host/sandbox"
)

// The test binary is also the plugins that the tests start: a copy of it with a script at its end.
func TestMain(m *testing.M) {
	sandbox.Main()
	if s, ok := readScript(); ok {
		s.run()
		os.Exit(0)
	}
	if os.Getenv(cloveEnv) != "" {
		clove()
	}
	goleak.VerifyTestMain(m)
}
