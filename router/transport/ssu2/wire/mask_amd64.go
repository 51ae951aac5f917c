//go:build !purego

package wire

import "golang.org/x/sys/cpu"

// fastMasks reports whether masks runs here. Without it block does the work.
var fastMasks = cpu.X86.HasAVX2

// masks makes two masks in the time of one: the first 8 bytes of block 1 for each key and nonce of 12 bytes.
//
//go:noescape
func masks(k1, k2 *[8]uint32, n1, n2 *byte) (m1, m2 uint64)
