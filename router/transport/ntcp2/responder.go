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

// A responder is Bob's side of one handshake: no socket, no clock. Its methods are called once each, in this order; after an
// error the handshake is over, and nothing may be sent.
//
//	(read messageLen) requestLen -> (read the rest) sessionRequest -> (read padding) requestPadding -> sessionCreated -> (send)
//	  -> (read confirmedLen) sessionConfirmed -> keys
type responder struct {
	noise     noise.Symmetric
	obfuscate obfuscator
	static    keys.X25519Private
	ephemeral keys.X25519Private
	peerEphem keys.X25519Public
	networkID byte
	accept    mlkem.Params // the hybrid handshake that we offer, 0: none
	hybrid    mlkem.Params // what message 1 asks for, 0: plain
	kem       []byte       // the initiator's encapsulation key, from message 1 to message 2
	random    io.Reader
	wrap      encapsulation
	confirmed int // length of message 3
}

type responderConfig struct {
	static    keys.X25519Private
	iv        [16]byte
	self      i2p.Hash
	networkID byte
	accept    mlkem.Params // the hybrid handshake that we offer, 0: none
	random    io.Reader    // nil: crypto/rand
	wrap      encapsulation
}

// An encapsulation is mlkem.Encapsulate, or what a recorded handshake had, as that takes no random bytes of ours.
type encapsulation func(p mlkem.Params, key []byte) (secret [mlkem.SecretSize]byte, ciphertext []byte, err error)

func newResponder(c responderConfig) *responder {
	if c.random == nil {
		c.random = rand.Reader
	}
	if c.wrap == nil {
		c.wrap = mlkem.Encapsulate
	}
	return &responder{
		wrap:      c.wrap,
		obfuscate: newObfuscator(c.self, c.iv),
		static:    c.static,
		networkID: c.networkID,
		accept:    c.accept,
		random:    c.random,
	}
}

// requestLen takes X, the first keyLen bytes of message 1, which tells which handshake it is, and says how long the message is
// without its padding: messageLen bytes at least.
func (r *responder) requestLen(first []byte) (int, error) {
	x := r.obfuscate.reveal(first[:keyLen])
	if x[keyLen-1]&hybridMark != 0 {
		if r.accept == 0 {
			return 0, fmt.Errorf("%w: X is no key", errMalformed)
		}
		x[keyLen-1] &^= hybridMark
		r.hybrid = r.accept
	}
	r.peerEphem = x
	return requestLen(r.hybrid), nil
}

// sessionRequest takes message 1 without its padding, as long as requestLen told, and says how much padding follows and how far the peer's
// clock is ahead. If that is too much, the caller sends SessionCreated nevertheless, so that the peer learns our
// time, and then closes.
func (r *responder) sessionRequest(msg []byte, now time.Time) (padding int, ahead time.Duration, err error) {
	r.noise = noise.New(protocolName(r.hybrid))
	r.noise.MixHash(nil) // prologue
	public := r.static.Public()
	r.noise.MixHash(public[:])
	r.noise.MixHash(r.peerEphem[:])
	es, err := r.static.DH(r.peerEphem)
	if err != nil {
		return 0, 0, err
	}
	r.noise.MixKey(es[:])
	at := keyLen
	if r.hybrid != 0 { // e1
		at = requestLen(r.hybrid) - optionsLen - tagLen
		r.kem, err = r.noise.DecryptAndHash(make([]byte, 0, r.hybrid.EncapsulationKeySize()), msg[keyLen:at])
		if err != nil {
			return 0, 0, fmt.Errorf("ML-KEM: %w", err)
		}
	}
	plain, err := r.noise.DecryptAndHash(make([]byte, 0, optionsLen), msg[at:requestLen(r.hybrid)])
	if err != nil {
		return 0, 0, err
	}
	options, err := parseRequestOptions(plain, acceptedPadding(r.hybrid, requestLen(r.hybrid)))
	if err != nil {
		return 0, 0, err
	}
	if options.networkID != 0 && options.networkID != r.networkID {
		return 0, 0, fmt.Errorf("%w: network id %d", errNetwork, options.networkID)
	}
	r.confirmed = confirmed1Len + int(options.confirmed2)
	return int(options.padding), skew(options.timeInitiator, now), nil
}

// requestPadding takes the padding of message 1. It is not called when there is none.
func (r *responder) requestPadding(padding []byte) { r.noise.MixHash(padding) }

// sessionCreated makes message 2: at most 287 bytes, or twice createdLen. In a hybrid handshake it is here that an invalid
// encapsulation key is found, so that it costs nothing before the replay was ruled out.
func (r *responder) sessionCreated(now time.Time) ([]byte, error) {
	e := ephemeralKey(r.random)
	r.ephemeral = e
	y := e.Public()
	most := sentPadding(r.hybrid, createdLen(r.hybrid))
	msg := make([]byte, keyLen, createdLen(r.hybrid)+most)
	r.obfuscate.hide(msg, y)
	r.noise.MixHash(y[:])
	ee, err := e.DH(r.peerEphem)
	if err != nil {
		return nil, err
	}
	r.noise.MixKey(ee[:])
	if r.hybrid != 0 { // ekem1
		secret, ciphertext, err := r.wrap(r.hybrid, r.kem)
		if err != nil {
			return nil, err
		}
		msg = r.noise.EncryptAndHash(msg, ciphertext)
		r.noise.MixKey(secret[:])
		clear(secret[:])
		r.kem = nil
	}
	padding := randomUpTo(r.random, most)
	options := createdOptions{padding: uint16(padding), timeResponder: seconds(now)}.append(make([]byte, 0, optionsLen))
	msg = r.noise.EncryptAndHash(msg, options)
	return appendRandom(r.random, msg, padding, &r.noise), nil
}

// confirmedLen is the length of message 3, known from message 1.
func (r *responder) confirmedLen() int { return r.confirmed }

// sessionConfirmed takes message 3, confirmedLen bytes, which it overwrites. It returns the static key that the peer proved to
// hold, and what it sent; the RouterInfo is not verified.
func (r *responder) sessionConfirmed(msg []byte) (static keys.X25519Public, p confirmedPayload, err error) {
	s, err := r.noise.DecryptAndHash(make([]byte, 0, keyLen), msg[:confirmed1Len])
	if err != nil {
		return static, p, fmt.Errorf("part 1: %w", err)
	}
	static = keys.X25519Public(s)
	se, err := r.ephemeral.DH(static)
	if err != nil {
		return static, p, err
	}
	r.noise.MixKey(se[:])
	part2 := msg[confirmed1Len:r.confirmed]
	plain, err := r.noise.DecryptAndHash(part2[:0], part2)
	if err != nil {
		return static, p, fmt.Errorf("part 2: %w", err)
	}
	p, err = parseConfirmedPayload(plain)
	return static, p, err
}

func (r *responder) keys() sessionKeys { return deriveSessionKeys(&r.noise) }
