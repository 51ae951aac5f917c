//go:build race

package host_test

import "clove.i2p/plugins/host/sandbox"

// The race detector reserves terabytes.
const memory = sandbox.NoMemoryLimit
