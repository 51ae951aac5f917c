package garlic

import (
	"fmt"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/ratchet"
)

// Messages to routers are Noise N, without session, binding or Elligator2 (ecies-routers):
//
//	+----+----+ ... +----+----+ ... +----+----+ ... +
//	| ephemeral 32  | payload       | MAC 16        |
//	+----+----+ ... +----+----+ ... +----+----+ ... +
const (
	routerProtocol = "Noise_N_25519_ChaChaPoly_SHA256"
	routerHead     = 32
)

// routerState is the Noise state up to the static key of the reader.
type routerState struct{ initial noise.Symmetric }

func newRouterState(static keys.X25519Public) routerState {
	s := noise.New(routerProtocol)
	s.MixHash(nil)
	s.MixHash(static[:])
	return routerState{s}
}

// SealRouter encrypts the payload blocks in b to the router whose encryption key is to, in place, for one message
// without a session; a DateTime block is added. After it b holds a Garlic message in flight. On error b is unchanged.
func SealRouter(to keys.X25519Public, b *buf.Buf, now time.Time) error {
	if !room(b, routerHead, ratchet.DateTimeLen) {
		return ErrNoRoom
	}
	ephemeral, err := keys.GenerateX25519()
	if err != nil {
		return fmt.Errorf("garlic: seal to router: %w", err)
	}
	shared, err := ephemeral.DH(to)
	if err != nil {
		return fmt.Errorf("garlic: seal to router: %w", err)
	}
	public := ephemeral.Public()
	state := newRouterState(to).initial
	state.MixHash(public[:])
	state.MixKey(shared[:])
	prependDateTime(b, now)
	pad(b, routerHead)
	msg := widen(b, routerHead)
	copy(msg, public[:])
	state.EncryptAndHash(msg[:routerHead], msg[routerHead:len(msg)-ratchet.MACLen])
	finish(b, now)
	return nil
}

// OpenRouter opens one message of SealRouter, in place, without protection against replays: that is the Keeper's.
func OpenRouter(static keys.X25519Private, payload []byte, now time.Time, deliver func(Clove)) error {
	r := newRouterState(static.Public())
	blocks, err := r.open(static, nil, payload, now)
	if err != nil {
		return err
	}
	return deliverCloves(blocks, Origin{Kind: KindRouter}, nil, deliver)
}

// open decrypts in place; seen may be nil.
func (r *routerState) open(static keys.X25519Private, seen *ratchet.Filter, payload []byte, now time.Time) ([]byte, error) {
	if len(payload) < routerHead+ratchet.DateTimeLen+ratchet.MACLen {
		return nil, ErrUnknown
	}
	public := keys.X25519Public(payload[:routerHead])
	if seen != nil && seen.Has(public, now) {
		return nil, ratchet.ErrReplay
	}
	shared, err := static.DH(public)
	if err != nil {
		return nil, fmt.Errorf("garlic: open router message: %w", err)
	}
	state := r.initial
	state.MixHash(public[:])
	state.MixKey(shared[:])
	blocks, err := state.DecryptAndHash(payload[routerHead:routerHead], payload[routerHead:])
	if err != nil {
		return nil, fmt.Errorf("garlic: open router message: %w", err)
	}
	if err := ratchet.CheckPayload(ratchet.Router, blocks, now); err != nil {
		return nil, err
	}
	if seen != nil {
		seen.Add(public, now)
	}
	return blocks, nil
}
