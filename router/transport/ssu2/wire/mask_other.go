//go:build !amd64 || purego

package wire

const fastMasks = false

func masks(_, _ *[8]uint32, _, _ *byte) (_, _ uint64) { panic("wire: no assembly here") }
