//go:build amd64 && !purego

package wire_test

// aeadAllocates is that of x/crypto, without its assembly.
const aeadAllocates = false
