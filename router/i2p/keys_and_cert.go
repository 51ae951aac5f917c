package i2p

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"log/slog"

	"clove.i2p/router/crypto/keys"
)

// keysAndCert is what RouterIdentity and Destination have in common (Common Structures, KeysAndCert). The two keys
// lie at the ends of 384 bytes.
//
//	encryption key | padding | signing key | certificate
//	|<------------- 384 ----------------->|
type keysAndCert struct {
	raw        []byte
	hash       Hash
	cert       Certificate
	signing    keys.SigningPublicKey
	encType    keys.EncType
	encryption []byte
}

// Hash is the name of the structure in the network database.
func (k *keysAndCert) Hash() Hash { return k.hash }

// Bytes is the exact wire form; it is shared.
func (k *keysAndCert) Bytes() []byte { return k.raw }

// Certificate returns the certificate; its payload is shared.
func (k *keysAndCert) Certificate() Certificate { return k.cert }

// SigningKey is the public key that checks this identity's signatures.
func (k *keysAndCert) SigningKey() keys.SigningPublicKey { return k.signing }

// EncType is the type of EncryptionKey.
func (k *keysAndCert) EncType() keys.EncType { return k.encType }

// EncryptionKey is the encryption key of the identity, shared. For a Destination it means nothing: messages are
// encrypted to a key of its LeaseSet.
func (k *keysAndCert) EncryptionKey() []byte { return k.encryption }

// Verify reports whether sig is this identity's signature of msg.
func (k *keysAndCert) Verify(msg, sig []byte) bool { return k.signing.Verify(msg, sig) }

// LogValue prints six characters of the hash.
func (k *keysAndCert) LogValue() slog.Value { return k.hash.LogValue() }

// String is the short form, so that a stray %v tells no more than a log line.
func (k *keysAndCert) String() string { return k.hash.Short() }

// parseKeysAndCert reads the structure; what it returns shares b.
func parseKeysAndCert(b []byte) (k keysAndCert, rest []byte, err error) {
	if len(b) < MinKeysAndCertLen {
		return k, nil, ErrTruncated
	}
	if k.cert, rest, err = parseCertificate(b[keyFieldLen:]); err != nil {
		return k, nil, err
	}
	end := len(b) - len(rest)
	k.raw = b[:end:end]

	kc := KeyCertificate{Signing: keys.SigDSASHA1, Encryption: keys.EncElGamal}
	if k.cert.Type == CertificateKey {
		if kc, err = k.cert.Key(); err != nil {
			return k, nil, err
		}
	}
	if err := k.setKeys(kc); err != nil {
		return k, nil, err
	}
	k.hash = HashOf(k.raw)
	return k, rest, nil
}

// setKeys finds the two keys in the fields and the excess.
func (k *keysAndCert) setKeys(kc KeyCertificate) error {
	if !kc.Signing.Known() {
		return fmt.Errorf("%w: signature type %d", ErrUnsupportedKey, kc.Signing)
	}
	encLen := kc.Encryption.PublicKeyLen()
	if encLen == 0 || encLen > encryptionFieldLen {
		return fmt.Errorf("%w: encryption type %d", ErrUnsupportedKey, kc.Encryption)
	}
	sigLen := kc.Signing.PublicKeyLen()
	if want := max(sigLen-signingFieldLen, 0); len(kc.Excess) != want {
		return fmt.Errorf("key certificate: %w: %d bytes of excess, want %d", ErrMalformed, len(kc.Excess), want)
	}
	field := min(sigLen, signingFieldLen)
	key := k.raw[keyFieldLen-field : keyFieldLen : keyFieldLen]
	if len(kc.Excess) > 0 {
		key = append(bytes.Clone(key), kc.Excess...)
	}
	k.signing = keys.SigningPublicKey{Type: kc.Signing, Key: key}
	k.encType = kc.Encryption
	k.encryption = k.raw[:encLen:encLen]
	return nil
}

// makeKeysAndCert lays out a new structure. A nil encryption key leaves that field to the padding. The padding
// repeats 32 random bytes, so that the structure compresses well (Common Structures, Padding Generation Guidelines).
func makeKeysAndCert(signing keys.SigningPublicKey, encType keys.EncType, encryption []byte) (keysAndCert, error) {
	b := make([]byte, keyFieldLen, keyFieldLen+certificateHeaderLen+keyCertificateMinLen+len(signing.Key))
	var seed [32]byte
	rand.Read(seed[:])
	sigField := min(len(signing.Key), signingFieldLen)
	for p := b[len(encryption) : keyFieldLen-sigField]; len(p) > 0; {
		p = p[copy(p, seed[:]):]
	}
	copy(b, encryption)
	copy(b[keyFieldLen-sigField:], signing.Key)
	kc := KeyCertificate{Signing: signing.Type, Encryption: encType, Excess: signing.Key[sigField:]}
	k, _, err := parseKeysAndCert(kc.Certificate().Append(b))
	return k, err
}
