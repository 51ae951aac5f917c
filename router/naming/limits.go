package naming

const (
	// maxNameLen is the longest host name, with ".i2p" (Naming and Address Book, Naming Rules).
	maxNameLen = 67
	// maxBlindedLen bounds a blinded name: 1 byte of flags, two types of 2 bytes, a key of at most 132 bytes.
	maxBlindedLen = 300
	// minBase64Len is a destination with a NULL certificate. It is longer than every name.
	minBase64Len = 516
	// hashLabelLen is a hash in Base32; a blinded address has at least blindedLabelLen (35 bytes).
	hashLabelLen    = 52
	blindedLabelLen = 56
)
