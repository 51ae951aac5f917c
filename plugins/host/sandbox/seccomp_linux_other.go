//go:build linux && !amd64 && !arm64

package sandbox

const (
	auditArch    uint32 = 0 // no filter
	foreignCalls uint32 = 0
	mmapCall     uint32 = 0
)
