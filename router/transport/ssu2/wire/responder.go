package wire

import (
	"io"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2p"
)

// A Responder is Bob's side of one handshake.
//
//	OpenRequest -> Created -> OpenConfirmed (once per fragment) -> RemoteStatic, Keys
//
// Before it the caller has checked the token that OpenHeader shows: OpenRequest costs a DH.
type Responder struct {
	c         ResponderConfig
	header    *HeaderKey // our intro key
	state     handshakeState
	variant   Variant
	noise     noise.Symmetric
	srcID     ConnectionID // ours
	destID    ConnectionID // Alice's
	x         keys.X25519Public
	kem       []byte // Alice's encapsulation key
	ephemeral keys.X25519Private
	confirmed *HeaderKey // second key of SessionConfirmed
	static    keys.X25519Public
	fragments reassembly
	failures  int
}

// ResponderConfig is what Bob is; it is the same for all his handshakes.
type ResponderConfig struct {
	NetworkID byte
	Static    keys.X25519Private
	Intro     IntroKey
	Hash      i2p.Hash           // for the hybrid variants
	Variants  [MLKEM768 + 1]bool // which are taken
	Random    io.Reader          // nil: crypto/rand
}

// NewResponder makes a Responder for one SessionRequest.
func NewResponder(c ResponderConfig) *Responder {
	c.Random = orRand(c.Random)
	return &Responder{c: c, header: NewHeaderKey(c.Intro)}
}

// SrcID is our connection ID, which Alice chose: the destination of packets to us. Known after OpenRequest.
func (r *Responder) SrcID() ConnectionID { return r.srcID }

// DestID is Alice's connection ID.
func (r *Responder) DestID() ConnectionID { return r.destID }

// Variant is the handshake's, known after OpenRequest.
func (r *Responder) Variant() Variant { return r.variant }

// RemoteStatic is Alice's static key, known after OpenConfirmed: the caller compares it with her RouterInfo.
func (r *Responder) RemoteStatic() keys.X25519Public { return r.static }

// Keys are the keys of the session, after OpenConfirmed.
func (r *Responder) Keys() DataKeys {
	ab, ba := splitData(&r.noise)
	return DataKeys{Send: ba, Receive: ab}
}
