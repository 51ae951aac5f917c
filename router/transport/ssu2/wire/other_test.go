//go:build !amd64 || purego

package wire_test

const aeadAllocates = true
