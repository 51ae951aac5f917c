package i2p

// Limits. Every length is checked against what is there before anything is allocated; these bounds are the ones
// that the wire form alone does not give.
const (
	// keyFieldLen is the fixed part of a KeysAndCert: encryption key, padding and signing key (Common Structures,
	// KeysAndCert).
	keyFieldLen = 384
	// encryptionFieldLen and signingFieldLen divide it: a key longer than its field continues in the certificate.
	encryptionFieldLen = 256
	signingFieldLen    = 128
	// MinKeysAndCertLen is the length with a NULL certificate.
	MinKeysAndCertLen = keyFieldLen + certificateHeaderLen

	certificateHeaderLen = 3
	// maxCertificatePayload covers every certificate in use: a key certificate has at most 4 + 4 bytes today; the
	// deprecated HASHCASH and MULTIPLE ones have no bound of their own, and an identity is carried in every SYN and
	// every LeaseSet.
	maxCertificatePayload = 512

	// MaxRouterInfoLen is the buffer that i2pd reads a RouterInfo into; a larger one cannot spread in the network.
	MaxRouterInfoLen = 3072
	// MaxLeaseSetLen is i2pd's bound for LeaseSets. 16 leases, three keys and a destination make about 1,300 bytes.
	MaxLeaseSetLen = 4096
	// MaxLeases is in the specification of LeaseSet and LeaseSet2.
	MaxLeases = 16
	// maxEncryptionKeys: the specification says "max TBD"; seven types are defined.
	maxEncryptionKeys = 8
	// maxMappingEntries keeps the search for duplicates short. A RouterInfo has about ten options, a LeaseSet2 with
	// service records some dozens.
	maxMappingEntries = 256
	// maxStringLen is the reach of the length byte of a String.
	maxStringLen = 255

	// maxDateMillis is the end of the year 9999: a later Date is a lie and overflows arithmetic on durations.
	maxDateMillis = 253402300799999
	// maxKeyFileLen bounds what is read from a key file; the largest that is understood has about 1,100 bytes.
	maxKeyFileLen = 8192
)
