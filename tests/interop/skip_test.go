//go:build !linux

package interop_test

import (
	"os"
	"testing"
)

func TestInterop(t *testing.T) {
	const reason = "the network of i2pd routers needs network namespaces, which are Linux's"
	if os.Getenv("CLOVE_INTEROP") == "required" {
		t.Fatal("CLOVE_INTEROP=required: " + reason)
	}
	t.Skip(reason)
}
