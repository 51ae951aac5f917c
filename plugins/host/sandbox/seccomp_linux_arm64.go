package sandbox

import "golang.org/x/sys/unix"

const (
	auditArch    uint32 = unix.AUDIT_ARCH_AARCH64
	foreignCalls uint32 = 0
	mmapCall     uint32 = unix.SYS_MMAP
)
