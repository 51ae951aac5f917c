package i2p

// ParseVersion reads a "router.version" as the routers of the network compare it: all digits concatenated, so
// "0.9.67" is 967 (and "1.0.0" would be 100, older than all). What is no version is 0.
func ParseVersion(s string) int {
	const maxVersion = 1_000_000_000
	v := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			continue
		}
		if v = v*10 + int(c-'0'); v >= maxVersion {
			return 0
		}
	}
	return v
}
