package garlic

import (
	"errors"
	"sync"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/ratchet"
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
	// ErrRole: a session with the keeper of the router, which has none.
	ErrRole = errors.New("garlic: the router has no sessions")
)

// A Peer is the far end of sessions: a destination and the X25519 key of its LeaseSet. Sessions go by Key.
type Peer struct {
	Hash i2p.Hash
	Key  keys.X25519Public
}

// A Keeper holds the sessions and tags of one destination, or of the router. It is safe for concurrent use; one lock
// covers the sessions and the encryption, a few microseconds per message. Memory is bounded by Config.
type Keeper struct {
	cfg    Config
	static keys.X25519Private

	mu      sync.Mutex
	id      *ratchet.Identity
	index   *ratchet.Index
	seen    *ratchet.Filter
	peers   map[keys.X25519Public]*peer
	oneTime map[[8]byte]oneTime
	opening budget
	router  routerState
	stats   Stats
	control [controlMax]byte
}

// New returns the keeper of the identity whose encryption key is static.
func New(cfg Config, static keys.X25519Private) (*Keeper, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Keeper{
		cfg:     cfg,
		static:  static,
		id:      ratchet.NewIdentity(static, ratchet.Options{RatchetAfter: cfg.RatchetAfter}),
		index:   ratchet.NewIndex(cfg.MaxTags),
		seen:    ratchet.NewFilter(),
		peers:   make(map[keys.X25519Public]*peer),
		oneTime: make(map[[8]byte]oneTime),
		opening: budget{rate: float64(cfg.NewSessionRate)},
		router:  newRouterState(static.Public()),
	}, nil
}

// Bind tells that the destination hash owns the static key of an Origin: the owner of the keeper found the
// destination's verified LeaseSet, with this key, in a clove from that origin. From then on cloves from there carry
// the hash, and the New Session may be answered without a message of the application (Due). It wins over a hash that
// Seal named, which only shows that somebody's LeaseSet has that key.
func (k *Keeper) Bind(static keys.X25519Public, hash i2p.Hash) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.peers[static]; p != nil {
		p.hash, p.bound = hash, true
	}
}

// Confirmed is the highest token of SealConfirmed that the peer acknowledged; 0 if none.
func (k *Keeper) Confirmed(peer Peer) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.peers[peer.Key]; p != nil {
		return p.confirmed
	}
	return 0
}

// Forget drops the sessions with a peer.
func (k *Keeper) Forget(static keys.X25519Public) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.peers[static]; p != nil {
		p.close()
		delete(k.peers, static)
	}
}

// Renew is for an owner whose messages to a peer seem to get lost: if nothing was heard for silence, the peer may have
// restarted and lost its sessions, and the next message opens a new one. What still comes in the old one is read, and
// puts it back to use.
func (k *Keeper) Renew(static keys.X25519Public, silence time.Duration, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.peers[static]
	if p == nil || p.current == nil || now.Sub(p.lastHeard()) < silence {
		return
	}
	p.shelve(p.current)
	p.current = nil
	k.stats.Renewed++
}

// Due drops what has expired and appends to peers those that must hear from us although there is nothing to say (a
// reply to a New Session, an acknowledgement, a key of the DH ratchet): the owner seals an empty payload for each.
// Call it every TickInterval or so.
func (k *Keeper) Due(now time.Time, peers []Peer) []Peer {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, p := range k.peers {
		if p.expire(now) {
			delete(k.peers, key)
			continue
		}
		if !p.hash.IsZero() && p.due(now) != nil {
			peers = append(peers, Peer{p.hash, key})
		}
	}
	k.expireOneTime(now)
	k.index.Sweep()
	return peers
}

// obtain returns the peer with a static key, making room for a new one.
func (k *Keeper) obtain(key keys.X25519Public) *peer {
	if p := k.peers[key]; p != nil {
		return p
	}
	if len(k.peers) >= k.cfg.MaxPeers {
		k.evict()
	}
	p := &peer{remote: ratchet.Remote{Key: key}}
	k.peers[key] = p
	return p
}

// evict drops the least useful of a sample: first those that never got beyond a handshake, then the longest unheard.
func (k *Keeper) evict() {
	var worst *peer
	i := 0
	for _, p := range k.peers { // in random order
		if worst == nil || p.worse(worst) {
			worst = p
		}
		if i++; i == evictSample {
			break
		}
	}
	if worst != nil {
		worst.close()
		delete(k.peers, worst.remote.Key)
		k.stats.Evicted++
	}
}

// A budget is a token bucket that holds two seconds' worth.
type budget struct {
	rate, left float64
	last       time.Time
}

func (b *budget) take(now time.Time) bool {
	if b.last.IsZero() {
		b.left = 2 * b.rate
	} else if d := now.Sub(b.last); d > 0 {
		b.left = min(b.left+d.Seconds()*b.rate, 2*b.rate)
	}
	b.last = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
