package ntcp2

import (
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2p"
)

// An initiator is Alice's side of one handshake: no socket, no clock. Its methods are called once each, in this order; after an
// error the handshake is over, and nothing may be sent.
//
//	sessionRequest -> (send) -> (read createdLen) sessionCreated -> (read padding) createdPadding
//	  -> sessionConfirmed -> (send) -> keys
type initiator struct {
	noise     noise.Symmetric
	obfuscate obfuscator
	static    keys.X25519Private
	ephemeral keys.X25519Private
	peer      keys.X25519Public // Bob's static key
	peerEphem keys.X25519Public
	networkID byte
	hybrid    mlkem.Params      // 0: plain
	kem       *mlkem.PrivateKey // of a hybrid handshake, from message 1 to message 2
	random    io.Reader
	payload   []byte // of SessionConfirmed part 2, fixed now as message 1 says its length
}

type initiatorConfig struct {
	static    keys.X25519Private
	networkID byte
	self      []byte // our RouterInfo
	responder i2p.Hash
	peer      keys.X25519Public // s and i of the responder's address
	iv        [16]byte
	hybrid    mlkem.Params // 0: plain
	random    io.Reader    // nil: crypto/rand
}

func newInitiator(c initiatorConfig) (*initiator, error) {
	if c.random == nil {
		c.random = rand.Reader
	}
	if len(c.self) == 0 || len(c.self) > maxRouterInfo {
		return nil, fmt.Errorf("our RouterInfo has %d bytes", len(c.self))
	}
	s := noise.New(protocolName(c.hybrid))
	s.MixHash(nil) // prologue
	s.MixHash(c.peer[:])
	return &initiator{
		noise:     s,
		obfuscate: newObfuscator(c.responder, c.iv),
		static:    c.static,
		ephemeral: ephemeralKey(c.random),
		peer:      c.peer,
		networkID: c.networkID,
		hybrid:    c.hybrid,
		random:    c.random,
		payload:   appendConfirmedPayload(nil, c.self, randomUpTo(c.random, maxConfirmedPadding)),
	}, nil
}

// sessionRequest makes message 1: at most 287 bytes, or twice requestLen.
func (i *initiator) sessionRequest(now time.Time) ([]byte, error) {
	x := i.ephemeral.Public()
	most := sentPadding(i.hybrid, requestLen(i.hybrid))
	msg := make([]byte, keyLen, requestLen(i.hybrid)+most)
	i.obfuscate.hide(msg, marked(x, i.hybrid))
	i.noise.MixHash(x[:])
	es, err := i.ephemeral.DH(i.peer)
	if err != nil {
		return nil, err
	}
	i.noise.MixKey(es[:])
	if i.hybrid != 0 { // e1
		var seed [mlkem.SeedSize]byte
		readRandom(i.random, seed[:])
		i.kem, err = mlkem.NewPrivateKey(i.hybrid, seed[:])
		clear(seed[:])
		if err != nil {
			return nil, err
		}
		msg = i.noise.EncryptAndHash(msg, i.kem.EncapsulationKey())
	}
	padding := randomUpTo(i.random, most)
	options := requestOptions{
		networkID:     i.networkID,
		version:       version,
		padding:       uint16(padding),
		confirmed2:    uint16(len(i.payload) + tagLen),
		timeInitiator: seconds(now),
	}.append(make([]byte, 0, optionsLen))
	msg = i.noise.EncryptAndHash(msg, options)
	return appendRandom(i.random, msg, padding, &i.noise), nil
}

// createdLen is the length of message 2 without its padding.
func (i *initiator) createdLen() int { return createdLen(i.hybrid) }

// sessionCreated takes message 2 without its padding, createdLen bytes, and says how much padding follows and how far the
// peer's clock is ahead. Whether that is too much is for the caller to say.
func (i *initiator) sessionCreated(msg []byte, now time.Time) (padding int, ahead time.Duration, err error) {
	y := i.obfuscate.reveal(msg[:keyLen])
	if y[keyLen-1]&0x80 != 0 {
		return 0, 0, fmt.Errorf("%w: Y is no key", errMalformed)
	}
	i.peerEphem = y
	i.noise.MixHash(y[:])
	ee, err := i.ephemeral.DH(y)
	if err != nil {
		return 0, 0, err
	}
	i.noise.MixKey(ee[:])
	at := keyLen
	if i.hybrid != 0 { // ekem1
		at = i.createdLen() - optionsLen - tagLen
		ciphertext, err := i.noise.DecryptAndHash(make([]byte, 0, i.hybrid.CiphertextSize()), msg[keyLen:at])
		if err != nil {
			return 0, 0, fmt.Errorf("ML-KEM: %w", err)
		}
		secret, err := i.kem.Decapsulate(ciphertext)
		if err != nil {
			return 0, 0, err
		}
		i.noise.MixKey(secret[:])
		clear(secret[:])
		i.kem = nil
	}
	plain, err := i.noise.DecryptAndHash(make([]byte, 0, optionsLen), msg[at:i.createdLen()])
	if err != nil {
		return 0, 0, err
	}
	options, err := parseCreatedOptions(plain, acceptedPadding(i.hybrid, i.createdLen()))
	if err != nil {
		return 0, 0, err
	}
	return int(options.padding), skew(options.timeResponder, now), nil
}

// createdPadding takes the padding of message 2. It is not called when there is none.
func (i *initiator) createdPadding(padding []byte) { i.noise.MixHash(padding) }

// sessionConfirmed makes message 3.
func (i *initiator) sessionConfirmed() ([]byte, error) {
	s := i.static.Public()
	msg := make([]byte, 0, confirmed1Len+len(i.payload)+tagLen)
	msg = i.noise.EncryptAndHash(msg, s[:])
	se, err := i.static.DH(i.peerEphem)
	if err != nil {
		return nil, err
	}
	i.noise.MixKey(se[:])
	return i.noise.EncryptAndHash(msg, i.payload), nil
}

func (i *initiator) keys() sessionKeys { return deriveSessionKeys(&i.noise) }
