package appliance_test

import (
	"os"
	"testing"

	"clove.i2p/plugins/host/sandbox"
)

// TestMain lets this program become what the sandbox starts.
func TestMain(m *testing.M) {
	sandbox.Main()
	os.Exit(m.Run())
}
