//go:build !amd64 || purego

package noise

func fastHKDF([]byte, []byte, string, []*[32]byte) bool { return false }
