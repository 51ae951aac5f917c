package build

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/layer"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// A Hop is one router of a tunnel that is to be built.
type Hop struct {
	Router        i2p.Hash
	Static        keys.X25519Public // its encryption key
	ReceiveTunnel i2p.TunnelID      // not 0
	NextTunnel    i2p.TunnelID      // not 0
	Next          i2p.Hash
	Role          Role
}

// A Plan is a tunnel that is to be built. The first hop of an inbound tunnel is the InboundGateway, and the next router of
// its last hop is the creator; the last hop of an outbound tunnel is the OutboundEndpoint, and its next router and tunnel
// are where the reply goes.
type Plan struct {
	Hops         []Hop // 1 to MaxHops in the order of travel, one less for an inbound tunnel
	ReplyMessage i2np.MessageID
	Long         bool // long records, for a path with routers before 0.9.51
	Bandwidth    Bandwidth
}

func (p *Plan) inbound() bool { return p.Hops[0].Role == InboundGateway }

func (p *Plan) validate() error {
	if len(p.Hops) == 0 {
		return fmt.Errorf("%w: no hops", ErrInvalid)
	}
	most := MaxHops
	if p.inbound() {
		most--
	}
	if len(p.Hops) > most {
		return fmt.Errorf("%w: %d hops", ErrInvalid, len(p.Hops))
	}
	last := len(p.Hops) - 1
	for i, h := range p.Hops {
		want := Participant
		if i == 0 && p.inbound() {
			want = InboundGateway
		} else if i == last && !p.inbound() {
			want = OutboundEndpoint
		}
		switch {
		case h.Role != want:
			return fmt.Errorf("%w: hop %d is a %v", ErrInvalid, i, h.Role)
		case h.ReceiveTunnel == 0 || h.NextTunnel == 0:
			return fmt.Errorf("%w: hop %d has tunnel id 0", ErrInvalid, i)
		case i < last && (h.Next != p.Hops[i+1].Router || h.NextTunnel != p.Hops[i+1].ReceiveTunnel):
			return fmt.Errorf("%w: hop %d does not lead to the next", ErrInvalid, i)
		}
	}
	if !p.Bandwidth.valid() {
		return fmt.Errorf("%w: bandwidth %+v", ErrInvalid, p.Bandwidth)
	}
	return nil
}

// A Pending is a request under way: it has the message and what is needed to read the reply. It is not safe for
// concurrent use.
type Pending struct {
	form    *form
	hops    []pendingHop
	fakes   []fake
	slots   int
	message []byte
}

type pendingHop struct {
	slot      int
	role      Role
	keys      hopKeys
	available uint32
}

// A fake is a record that no hop opens. It must come back as content: who changes it marks the message for an
// accomplice further on (specification, section "Build Records").
type fake struct {
	slot    int
	content []byte
}

// New makes the request. The time is router time.
func New(p Plan, now time.Time) (*Pending, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	f := shortForm
	if p.Long {
		f = longForm
	}
	need := len(p.Hops)
	if p.inbound() {
		need++
	}
	slots := fewRecords
	if need > slots {
		slots = MaxHops
	}
	b := &Pending{form: f, slots: slots, message: make([]byte, 1+slots*f.record)}
	b.message[0] = byte(slots)
	records := b.message[1:]
	order := mathrand.Perm(slots) // ChaCha8, seeded by the system
	for i, h := range p.Hops {
		id := i2np.NewMessageID()
		if i == len(p.Hops)-1 {
			id = p.ReplyMessage
		}
		k, err := seal(f, f.at(records, order[i]), h, id, p.Bandwidth, now)
		if err != nil {
			return nil, fmt.Errorf("build: hop %d: %w", i, err)
		}
		b.hops = append(b.hops, pendingHop{slot: order[i], role: h.Role, keys: k})
	}
	if err := b.addFakes(&p, order[len(p.Hops):]); err != nil {
		return nil, err
	}
	b.cover()
	return b, nil
}

// seal writes the record of one hop.
func seal(f *form, rec []byte, h Hop, id i2np.MessageID, bw Bandwidth, now time.Time) (hopKeys, error) {
	r := request{
		receiveTunnel: h.ReceiveTunnel, nextTunnel: h.NextTunnel, next: h.Next,
		time: now, expiration: Lifetime, message: id,
	}
	switch h.Role {
	case InboundGateway:
		r.flags = flagGateway
	case OutboundEndpoint:
		r.flags = flagEndpoint
	}
	clear := rec[sealedAt : sealedAt+f.clear]
	r.put(f, clear, bw.mapping(h.Role)) // the keys of the long form are random, as all that put leaves
	ephemeral, err := keys.GenerateX25519()
	if err != nil {
		return hopKeys{}, err
	}
	return sealWith(f, rec, h, ephemeral)
}

// sealWith encrypts the request that is in its place already.
func sealWith(f *form, rec []byte, h Hop, ephemeral keys.X25519Private) (hopKeys, error) {
	public := ephemeral.Public()
	shared, err := ephemeral.DH(h.Static)
	if err != nil {
		return hopKeys{}, err
	}
	copy(rec, h.Router[:prefixLen])
	copy(rec[prefixLen:], public[:])
	clear := rec[sealedAt : sealedAt+f.clear]
	var kept [longRecordKeys]byte
	if f.long {
		copy(kept[:], clear)
	}
	s := initial(h.Static[:])
	s.MixHash(public[:])
	s.MixKey(shared[:])
	s.EncryptAndHash(rec[sealedAt:sealedAt], clear)
	return f.derive(&s, kept[:], h.Role == OutboundEndpoint), nil
}

// longRecordKeys is the part of a long request up to the end of its keys.
const longRecordKeys = 152

// addFakes fills the slots that are left. For an inbound tunnel the first of them is the creator's own: the last hop sees the
// creator's hash in it, as it would see that of any further hop.
func (b *Pending) addFakes(p *Plan, slots []int) error {
	for i, slot := range slots {
		rec := b.form.at(b.message[1:], slot)
		rand.Read(rec)
		if i == 0 && p.inbound() {
			own := p.Hops[len(p.Hops)-1].Next
			ephemeral, err := keys.GenerateX25519()
			if err != nil {
				return fmt.Errorf("build: own record: %w", err)
			}
			public := ephemeral.Public()
			copy(rec, own[:prefixLen])
			copy(rec[prefixLen:], public[:])
		}
		b.fakes = append(b.fakes, fake{slot, append([]byte(nil), rec...)})
	}
	return nil
}

// cover decrypts each record once for each hop before its own, the last such hop first.
func (b *Pending) cover() {
	for i := len(b.hops) - 1; i >= 0; i-- {
		l := newLayering(b.form, &b.hops[i].keys)
		for _, later := range b.hops[i+1:] {
			l.decrypt(b.message[1:], later.slot)
		}
		for _, f := range b.fakes {
			l.decrypt(b.message[1:], f.slot)
		}
	}
}

// Message is the payload of the request. It is shared.
func (b *Pending) Message() []byte { return b.message }

// Type is the I2NP type of the request.
func (b *Pending) Type() i2np.Type { return b.form.request }

// Layers are the ciphers of the tunnel, in the order of the hops.
func (b *Pending) Layers() []*layer.Cipher {
	layers := make([]*layer.Cipher, len(b.hops))
	for i := range b.hops {
		layers[i] = layer.New(b.hops[i].keys.layer, b.hops[i].keys.iv)
	}
	return layers
}

// ReplyGarlic is the one-time key and tag that the outbound endpoint wraps its reply with, if its reply tunnel begins
// at another router. There is none for inbound tunnels and long records.
func (b *Pending) ReplyGarlic() (key [32]byte, tag [8]byte, ok bool) {
	last := &b.hops[len(b.hops)-1]
	if b.form.long || last.role != OutboundEndpoint {
		return key, tag, false
	}
	return last.keys.garlic, last.keys.garlicTag, true
}
