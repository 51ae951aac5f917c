package netnstest

import (
	"os"
	"testing"
)

// Missing ends a test that needs what is not here: it is skipped, or with CLOVE_INTEROP=required fails.
func Missing(t *testing.T, reason any) {
	t.Helper()
	if os.Getenv("CLOVE_INTEROP") == "required" {
		t.Fatalf("CLOVE_INTEROP=required: %v", reason)
	}
	t.Skip(reason)
}
