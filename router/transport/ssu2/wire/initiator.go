package wire

import (
	"fmt"
	"io"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2p"
)

// An Initiator is Alice's side of one handshake.
//
//	[TokenRequest -> OpenRetry] -> Request -> OpenCreated -> Confirmed -> Keys
//	                               ^ OpenRetry |
//
// OpenCreated and OpenRetry may be tried with any packet, as often as wanted: only the right one changes anything. Request may be called again, after a Retry: it
// starts over with a new ephemeral key. To send again is to send the same bytes.
type Initiator struct {
	c         InitiatorConfig
	intro     *Intro // Bob's
	state     handshakeState
	noise     noise.Symmetric
	ephemeral keys.X25519Private
	kem       *mlkem.PrivateKey
	created   *HeaderKey // second key of SessionCreated
	confirmed *HeaderKey
	peer      keys.X25519Public // Bob's ephemeral key
}

// InitiatorConfig is what Alice knows before.
type InitiatorConfig struct {
	NetworkID    byte
	Variant      Variant
	SrcID        ConnectionID // ours, random
	DestID       ConnectionID // Bob's, random, another one
	Static       keys.X25519Private
	RemoteStatic keys.X25519Public // s of Bob's address
	RemoteIntro  IntroKey          // i of Bob's address
	RemoteHash   i2p.Hash          // for the hybrid variants
	Random       io.Reader         // nil: crypto/rand
}

// handshakeState is how far a handshake is.
type handshakeState uint8

const (
	stateNew handshakeState = iota
	stateRequest
	stateCreated
	stateDone
	stateFailed
)

// NewInitiator makes an Initiator.
func NewInitiator(c InitiatorConfig) (*Initiator, error) {
	if c.SrcID == c.DestID {
		return nil, ErrConnectionID
	}
	if c.Variant > MLKEM768 {
		return nil, fmt.Errorf("%w: %v", ErrVersion, c.Variant)
	}
	c.Random = orRand(c.Random)
	return &Initiator{c: c, intro: NewIntro(c.RemoteIntro)}, nil
}

// SrcID is our connection ID: the destination of packets to us.
func (i *Initiator) SrcID() ConnectionID { return i.c.SrcID }

// DestID is Bob's connection ID.
func (i *Initiator) DestID() ConnectionID { return i.c.DestID }

// Keys are the keys of the session, after Confirmed.
func (i *Initiator) Keys() DataKeys {
	ab, ba := splitData(&i.noise)
	return DataKeys{Send: ab, Receive: ba}
}
