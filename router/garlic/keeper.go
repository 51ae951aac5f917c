package garlic

import (
	"errors"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

var (
	errShort = errors.New("too short")
	errFlags = errors.New("unsupported flags")

	// ErrNoRoom: the buffer has too little head or tail room for the encryption. The buffer is unchanged.
	ErrNoRoom = errors.New("garlic: no room in the buffer")
	// ErrUnknown: no tag and no key of ours opens the message. Normal: late, duplicate or forged messages.
	ErrUnknown = errors.New("garlic: cannot open")
	// ErrBusy: refused to do more public key operations now.
	ErrBusy = errors.New("garlic: over budget")
)

// A Peer is the far end of sessions: a destination and the X25519 key of its LeaseSet. Sessions go by Key.
type Peer struct {
	Hash i2p.Hash
	Key  keys.X25519Public
}

// A Keeper holds the sessions and tags of one destination, or of the router. It is safe for concurrent use.
type Keeper struct{}

// New returns the keeper of the identity whose encryption key is static.
func New(cfg Config, static keys.X25519Private) (*Keeper, error) { return &Keeper{}, nil }

// Config of a Keeper.
type Config struct {
	// Router: this is the router's own keeper. It opens Noise_N messages instead of New Sessions and seals only with
	// SealRouter and SealOneTime.
	Router bool
}

// Validate checks the configuration.
func (c Config) Validate() error { return nil }

// Seal encrypts the payload blocks in b (PrependClove, AppendClove; may be empty) to peer, in place: after it b holds
// a Garlic message in flight. It chooses an Existing Session if one is established, a New Session Reply if the peer's
// New Session waits for one, else a New Session. On error b is unchanged.
func (k *Keeper) Seal(peer Peer, b *buf.Buf, now time.Time) error { return ErrNoRoom }

// SealConfirmed is Seal with a request for an acknowledgement; once the peer has it, Confirmed is at least token.
// Tokens of a peer rise, the version of a LeaseSet for example.
func (k *Keeper) SealConfirmed(peer Peer, b *buf.Buf, token uint64, now time.Time) error {
	return ErrNoRoom
}

// SealUnbound encrypts to peer in a New Session that does not name us and that cannot be answered.
func (k *Keeper) SealUnbound(peer Peer, b *buf.Buf, now time.Time) error { return ErrNoRoom }

// Confirmed is the highest token of SealConfirmed that the peer acknowledged; 0 if none.
func (k *Keeper) Confirmed(peer Peer) uint64 { return 0 }

// Next is the kind of message that Seal would make for peer now. For KindNewSession the owner bundles its LeaseSet
// (a clove of a DatabaseStore), without which the peer cannot answer.
func (k *Keeper) Next(peer Peer, now time.Time) Kind { return KindNewSession }

// Open decrypts the body of a Garlic message without its 4-byte length, in place, and lends each clove to deliver,
// which may call the keeper.
func (k *Keeper) Open(payload []byte, now time.Time, deliver func(Clove)) error { return ErrUnknown }

// AddOneTime makes Open accept one message under key and tag until expires.
func (k *Keeper) AddOneTime(tag [8]byte, key [32]byte, expires time.Time) {}

// Bind tells that the destination hash owns the static key of an Origin: the owner of the keeper found the
// destination's verified LeaseSet, with this key, in a clove from that origin. From then on the New Session may be
// answered without a message of the application (Due).
func (k *Keeper) Bind(static keys.X25519Public, hash i2p.Hash) {}

// Due drops what has expired and appends to peers those that must hear from us although there is nothing to say (a
// reply to a New Session, an acknowledgement, a key of the DH ratchet): the owner seals an empty payload for each.
// Call it every TickInterval or so.
func (k *Keeper) Due(now time.Time, peers []Peer) []Peer { return peers }

// Forget drops the sessions with a peer.
func (k *Keeper) Forget(static keys.X25519Public) {}

// Stats is a snapshot.
func (k *Keeper) Stats() Stats { return Stats{} }

// Stats counts what a keeper did.
type Stats struct {
	Sessions, Tags int
}

// SealRouter encrypts the payload blocks in b to the router whose encryption key is to, in place, for one message
// without a session; a DateTime block is added. After it b holds a Garlic message in flight.
func SealRouter(to keys.X25519Public, b *buf.Buf, now time.Time) error { return ErrNoRoom }

// OpenRouter opens a message of SealRouter, in place.
func OpenRouter(static keys.X25519Private, payload []byte, now time.Time, deliver func(Clove)) error {
	return ErrUnknown
}

// SealOneTime encrypts the payload blocks in b under a key and tag that their owner handed out, in place. After it b
// holds a Garlic message in flight.
func SealOneTime(key [32]byte, tag [8]byte, b *buf.Buf, now time.Time) error { return ErrNoRoom }

// OpenOneTime opens a message of SealOneTime, in place, for owners of keys that have no Keeper.
func OpenOneTime(key [32]byte, payload []byte, deliver func(Clove)) error { return ErrUnknown }

func prependClove(b *buf.Buf, d DeliveryInstructions) error            { return ErrNoRoom }
func appendClove(b *buf.Buf, d DeliveryInstructions, msg []byte) error { return ErrNoRoom }
