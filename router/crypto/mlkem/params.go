package mlkem

import "strconv"

// Params is a parameter set of FIPS 203 (section 8), named by its number. Zero is none of them.
type Params uint16

const (
	MLKEM512  Params = 512
	MLKEM768  Params = 768
	MLKEM1024 Params = 1024
)

const (
	// SecretSize is the length of the shared secret of every parameter set.
	SecretSize = 32
	// SeedSize is the length of the seed d || z from which a key is made (FIPS 203 section 7.1).
	SeedSize = 64
)

// Valid says whether p is one of the three sets.
func (p Params) Valid() bool { return p == MLKEM512 || p == MLKEM768 || p == MLKEM1024 }

// EncapsulationKeySize is 800, 1184 or 1568 bytes, and 0 for no set.
func (p Params) EncapsulationKeySize() int {
	switch p {
	case MLKEM512:
		return 800
	case MLKEM768:
		return 1184
	case MLKEM1024:
		return 1568
	}
	return 0
}

// CiphertextSize is 768, 1088 or 1568 bytes, and 0 for no set.
func (p Params) CiphertextSize() int {
	switch p {
	case MLKEM512:
		return 768
	case MLKEM768:
		return 1088
	case MLKEM1024:
		return 1568
	}
	return 0
}

// String is the name of FIPS 203, such as "ML-KEM-768".
func (p Params) String() string { return "ML-KEM-" + strconv.Itoa(int(p)) }
