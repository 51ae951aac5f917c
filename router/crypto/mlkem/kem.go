package mlkem

import (
	"crypto/mlkem"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
)

// The errors of this package; the three about inputs are the checks of FIPS 203 sections 7.2 and 7.3.
var (
	ErrParams           = errors.New("mlkem: no such parameter set")
	ErrSeed             = errors.New("mlkem: wrong length of seed")
	ErrEncapsulationKey = errors.New("mlkem: invalid encapsulation key") // its length, or a coefficient above the modulus
	ErrCiphertext       = errors.New("mlkem: wrong length of ciphertext")
)

// PrivateKey is a decapsulation key. It is for one handshake: a second use has no forward secrecy. It does not print.
type PrivateKey struct {
	params Params
	k512   *mlkem512.PrivateKey
	k768   *mlkem.DecapsulationKey768
	k1024  *mlkem.DecapsulationKey1024
	public []byte
}

// GenerateKey makes a key from crypto/rand. The only error is ErrParams.
func GenerateKey(p Params) (*PrivateKey, error) {
	var seed [SeedSize]byte
	rand.Read(seed[:]) // never fails: the process ends instead
	defer clear(seed[:])
	return NewPrivateKey(p, seed[:])
}

// NewPrivateKey makes the key of a seed of 64 bytes, d || z, which must be secret and uniformly random. It serves known
// answers and handshakes that are made again. The errors are ErrParams and ErrSeed.
func NewPrivateKey(p Params, seed []byte) (*PrivateKey, error) {
	if !p.Valid() {
		return nil, ErrParams
	}
	if len(seed) != SeedSize {
		return nil, ErrSeed
	}
	key := &PrivateKey{params: p}
	var err error
	switch p {
	case MLKEM512:
		var public *mlkem512.PublicKey
		public, key.k512 = mlkem512.NewKeyFromSeed(seed)
		key.public = make([]byte, mlkem512.PublicKeySize)
		public.Pack(key.public)
	case MLKEM768:
		if key.k768, err = mlkem.NewDecapsulationKey768(seed); err == nil {
			key.public = key.k768.EncapsulationKey().Bytes()
		}
	case MLKEM1024:
		if key.k1024, err = mlkem.NewDecapsulationKey1024(seed); err == nil {
			key.public = key.k1024.EncapsulationKey().Bytes()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSeed, err)
	}
	return key, nil
}

// Params says of which set the key is.
func (k *PrivateKey) Params() Params { return k.params }

// EncapsulationKey is the public half, EncapsulationKeySize bytes. The caller must not change it.
func (k *PrivateKey) EncapsulationKey() []byte { return k.public }

// Decapsulate opens a ciphertext of CiphertextSize bytes. The only error is ErrCiphertext, for a wrong length; any other
// wrong ciphertext gives a secret that its sender does not have.
func (k *PrivateKey) Decapsulate(ciphertext []byte) (secret [SecretSize]byte, err error) {
	if len(ciphertext) != k.params.CiphertextSize() {
		return secret, ErrCiphertext
	}
	var shared []byte
	switch k.params {
	case MLKEM512:
		k.k512.DecapsulateTo(secret[:], ciphertext)
		return secret, nil
	case MLKEM768:
		shared, err = k.k768.Decapsulate(ciphertext)
	default:
		shared, err = k.k1024.Decapsulate(ciphertext)
	}
	if err != nil {
		return secret, fmt.Errorf("%w: %w", ErrCiphertext, err)
	}
	copy(secret[:], shared)
	clear(shared)
	return secret, nil
}

// String and GoString keep the key out of logs.
func (k *PrivateKey) String() string   { return "private key of " + k.params.String() }
func (k *PrivateKey) GoString() string { return k.String() }

// Encapsulate makes a secret for the holder of an encapsulation key, and the ciphertext of CiphertextSize bytes that
// carries it. The errors are ErrParams and ErrEncapsulationKey: a key whose coefficients are not all below the modulus
// is refused (FIPS 203 section 7.2).
func Encapsulate(p Params, encapsulationKey []byte) (secret [SecretSize]byte, ciphertext []byte, err error) {
	if !p.Valid() {
		return secret, nil, ErrParams
	}
	if len(encapsulationKey) != p.EncapsulationKeySize() {
		return secret, nil, ErrEncapsulationKey
	}
	var shared []byte
	switch p {
	case MLKEM512:
		var random [mlkem512.EncapsulationSeedSize]byte
		rand.Read(random[:])
		defer clear(random[:])
		return encapsulate512(encapsulationKey, random[:])
	case MLKEM768:
		key, err := mlkem.NewEncapsulationKey768(encapsulationKey)
		if err != nil {
			return secret, nil, fmt.Errorf("%w: %w", ErrEncapsulationKey, err)
		}
		shared, ciphertext = key.Encapsulate()
	case MLKEM1024:
		key, err := mlkem.NewEncapsulationKey1024(encapsulationKey)
		if err != nil {
			return secret, nil, fmt.Errorf("%w: %w", ErrEncapsulationKey, err)
		}
		shared, ciphertext = key.Encapsulate()
	}
	copy(secret[:], shared)
	clear(shared)
	return secret, ciphertext, nil
}

func encapsulate512(encapsulationKey, random []byte) (secret [SecretSize]byte, ciphertext []byte, err error) {
	var key mlkem512.PublicKey
	if err := key.Unpack(encapsulationKey); err != nil {
		return secret, nil, fmt.Errorf("%w: %w", ErrEncapsulationKey, err)
	}
	ciphertext = make([]byte, mlkem512.CiphertextSize)
	key.EncapsulateTo(ciphertext, secret[:], random)
	return secret, ciphertext, nil
}

// Check says whether Encapsulate would take the key: its length and the modulus (FIPS 203 section 7.2).
func Check(p Params, encapsulationKey []byte) error {
	if !p.Valid() {
		return ErrParams
	}
	var err error
	switch p {
	case MLKEM512:
		err = new(mlkem512.PublicKey).Unpack(encapsulationKey)
	case MLKEM768:
		_, err = mlkem.NewEncapsulationKey768(encapsulationKey)
	case MLKEM1024:
		_, err = mlkem.NewEncapsulationKey1024(encapsulationKey)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEncapsulationKey, err)
	}
	return nil
}
