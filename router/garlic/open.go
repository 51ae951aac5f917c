package garlic

import (
	"errors"
	"fmt"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2np"
	"clove.i2p/router/ratchet"
)

// Open decrypts the body of a Garlic message without its 4-byte length, in place, and lends each clove to deliver,
// which may call the keeper. The order: keys and tags of AddOneTime, tags of sessions, then a New Session (or, for the
// router, Noise_N). The error is for counting only; what was authentic has been taken note of.
func (k *Keeper) Open(payload []byte, now time.Time, deliver func(Clove)) error {
	k.mu.Lock()
	blocks, from, err := k.open(payload, now)
	k.count(from.Kind, err)
	k.mu.Unlock()
	if err != nil {
		return err
	}
	return deliverCloves(blocks, from, k, deliver)
}

// known fills in the hash of an origin, which the owner may have bound while it read the clove before.
func (k *Keeper) known(from *Origin) {
	if k == nil || !from.Hash.IsZero() || from.Static == (keys.X25519Public{}) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.peers[from.Static]; p != nil {
		from.Hash = p.hash
	}
}

func (k *Keeper) open(payload []byte, now time.Time) ([]byte, Origin, error) {
	if len(payload) < ratchet.TagLen+ratchet.MACLen {
		return nil, Origin{}, fmt.Errorf("garlic: open: %w", errShort)
	}
	tag := [ratchet.TagLen]byte(payload)
	if blocks, ok, err := k.openOneTime(tag, payload, now); ok {
		return blocks, Origin{Kind: KindOneTime}, err
	}
	if k.cfg.Router {
		if !k.opening.take(now) {
			return nil, Origin{}, ErrBusy
		}
		blocks, err := k.router.open(k.static, k.seen, payload, now)
		return blocks, Origin{Kind: KindRouter}, err
	}
	if set, n, ok := k.index.Find(tag); ok {
		return k.openSession(set, n, payload, now)
	}
	return k.openNew(payload, now)
}

func (k *Keeper) openSession(set *ratchet.ReceiveSet, n uint16, payload []byte, now time.Time) ([]byte, Origin, error) {
	if set.Reply() && !k.opening.take(now) {
		return nil, Origin{}, ErrBusy // two DH each, and whoever saw its tag in transit can repeat it
	}
	s := set.Session()
	before := s.Established()
	blocks, kind, err := s.Open(set, n, payload, now)
	if err != nil {
		return nil, Origin{}, err
	}
	from := Origin{Kind: KindExistingSession, Static: s.Remote()}
	if kind == ratchet.NewSessionReply {
		from.Kind = KindNewSessionReply
	}
	if p := k.peers[from.Static]; p != nil {
		own := k.id.Public()
		p.heard(s, before, own[:])
		from.Hash = p.hash
	}
	return blocks, from, nil
}

func (k *Keeper) openNew(payload []byte, now time.Time) ([]byte, Origin, error) {
	if len(payload) < ratchet.NewSessionHead+ratchet.DateTimeLen+ratchet.MACLen {
		return nil, Origin{}, ErrUnknown
	}
	if !k.opening.take(now) {
		return nil, Origin{}, ErrBusy
	}
	s, blocks, err := ratchet.Accept(k.id, k.index, k.seen, payload, now)
	if err != nil {
		return nil, Origin{}, err
	}
	if s == nil {
		return blocks, Origin{Kind: KindUnbound}, nil
	}
	from := Origin{Kind: KindNewSession, Static: s.Remote()}
	if from.Static == k.id.Public() {
		return blocks, from, nil // our own: nobody to answer
	}
	p := k.obtain(from.Static)
	p.asks = bounded(p.asks, s, maxAsks)
	from.Hash = p.hash
	return blocks, from, nil
}

func (k *Keeper) count(kind Kind, err error) {
	c := &k.stats
	switch {
	case err == nil:
	case errors.Is(err, ErrBusy):
		c.Refused++
		return
	case errors.Is(err, ratchet.ErrReplay):
		c.Replayed++
		return
	case errors.Is(err, ratchet.ErrTime):
		c.Stale++
		return
	default:
		c.Unopened++
		return
	}
	switch kind {
	case KindExistingSession:
		c.OpenedExisting++
	case KindNewSession:
		c.OpenedNewSession++
	case KindUnbound:
		c.OpenedUnbound++
	case KindNewSessionReply:
		c.OpenedReply++
	case KindOneTime:
		c.OpenedOneTime++
	case KindRouter:
		c.OpenedRouter++
	}
}

// deliverCloves hands out the cloves of a payload that ratchet.CheckPayload accepted. A malformed clove ends it: its
// sender is not ours. k may be nil.
func deliverCloves(blocks []byte, from Origin, k *Keeper, deliver func(Clove)) error {
	for len(blocks) > 0 {
		blk, rest, err := ratchet.ParseBlock(blocks)
		if err != nil {
			return err
		}
		blocks = rest
		if blk.Type != ratchet.BlockGarlicClove {
			continue
		}
		c, err := ParseClove(blk.Data)
		if err != nil {
			return err
		}
		k.known(&from)
		c.From = from
		deliver(c)
	}
	return nil
}

// ParseClove reads the data of a clove block (5, Garlic Clove): delivery instructions and a message in flight.
//
//	+----+ ... +----+----+----+----+----+----+----+----+----+----+ ... +
//	| delivery | type | message id 4     | expiration 4    | body     |
//	+----+ ... +----+----+----+----+----+----+----+----+----+----+ ... +
func ParseClove(data []byte) (Clove, error) {
	d, msg, err := ParseDeliveryInstructions(data)
	if err != nil {
		return Clove{}, err
	}
	h, body, err := i2np.ParseShort(msg)
	if err != nil {
		return Clove{}, fmt.Errorf("garlic: parse clove: %w", err)
	}
	return Clove{Delivery: d, Header: h, Message: msg, Body: body}, nil
}
