package sandbox

import "golang.org/x/sys/unix"

const (
	auditArch    uint32 = unix.AUDIT_ARCH_X86_64
	foreignCalls uint32 = 0x40000000 // x32: the same calls under other numbers
	mmapCall     uint32 = unix.SYS_MMAP
)
