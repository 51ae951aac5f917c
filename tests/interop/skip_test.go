//go:build !linux

package interop_test

import (
	"testing"

	"clove.i2p/tests/netns/netnstest"
)

func TestInterop(t *testing.T) {
	netnstest.Missing(t, "the network of i2pd routers needs network namespaces, which are Linux's")
}
