package netdb

import (
	"context"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// A publication stores one entry at the floodfills closest to its key, one after the other until one confirms.
type publication struct {
	entry   i2np.DatabaseStore // key, type and data
	tunnel  bool
	confirm time.Duration // wait for each
	sent    func()
}

// publish returns the floodfill that confirmed. A confirmation counts whenever it comes, also of an earlier attempt.
func (r *requester) publish(ctx context.Context, p publication) (i2p.Hash, error) {
	confirmed := make(chan i2np.MessageID, maxPublishAttempts)
	attempts := make(map[i2np.MessageID]i2p.Hash)
	defer func() { r.dropTokens(attempts) }()
	targets := r.publishTargets(p.tunnel, p.entry.Key)
	if len(targets) == 0 {
		return i2p.Hash{}, ErrNoFloodfill
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for _, to := range targets {
		p.entry.ReplyToken = r.newToken(confirmed)
		attempts[p.entry.ReplyToken] = to.Hash()
		if err := r.store(p, to); err != nil {
			return i2p.Hash{}, err
		}
		p.sent()
		timer.Reset(p.confirm)
		select {
		case <-ctx.Done():
			return i2p.Hash{}, context.Cause(ctx)
		case id := <-confirmed:
			return attempts[id], nil
		case <-timer.C:
			r.suspect([]i2p.Hash{to.Hash()}, time.Now())
		}
	}
	return i2p.Hash{}, ErrNotConfirmed
}

// publishTargets are the floodfills closest to the key, those that did not answer lately last.
func (r *requester) publishTargets(tunnel bool, key i2p.Hash) []*i2p.RouterInfo {
	now := time.Now()
	routing := routingKey(key, r.db.deps.Clock.Now())
	suspected := func(h i2p.Hash) bool { return r.suspected(h, now) }
	list := r.closest(tunnel, routing, maxPublishAttempts, func(h i2p.Hash) bool { return h == key || suspected(h) })
	if len(list) < maxPublishAttempts {
		list = append(list, r.closest(tunnel, routing, maxPublishAttempts-len(list), func(h i2p.Hash) bool {
			return h == key || !suspected(h)
		})...)
	}
	return list
}

// store sends one DatabaseStore.
func (r *requester) store(p publication, to *i2p.RouterInfo) error {
	m := p.entry
	now := r.db.deps.Clock.Now()
	if !p.tunnel {
		m.ReplyGateway = r.db.selfHash()
		r.messenger.Direct(to.Hash(), i2np.Encode(i2np.NewHeader(m.Type(), now), m))
		return nil
	}
	gateway, id, _, _, ok := r.replyPath()
	if !ok {
		return ErrNotReady
	}
	m.ReplyGateway, m.ReplyTunnel = gateway, id
	if err := r.messenger.ThroughTunnel(to, i2np.Encode(i2np.NewHeader(m.Type(), now), m)); err != nil {
		return ErrNotReady
	}
	return nil
}

// newToken returns a token whose DeliveryStatus goes to confirmed, which has room for it.
func (r *requester) newToken(confirmed chan<- i2np.MessageID) i2np.MessageID {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		id := i2np.NewMessageID()
		// All ones is what i2pd writes when it wants no answer.
		if _, used := r.tokens[id]; !used && id != 1<<32-1 {
			r.tokens[id] = confirmed
			return id
		}
	}
}

func (r *requester) dropTokens(attempts map[i2np.MessageID]i2p.Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range attempts {
		delete(r.tokens, id)
	}
}

// delivered takes the message id of a DeliveryStatus and reports whether it is a token of ours.
func (r *requester) delivered(id i2np.MessageID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	confirmed, ok := r.tokens[id]
	if ok {
		delete(r.tokens, id)
		confirmed <- id // one place for each token
	}
	return ok
}

// Delivered takes the message id of a DeliveryStatus and reports whether a publication waited for it.
func (db *DB) Delivered(id i2np.MessageID) bool { return db.requester.delivered(id) }

// PublishSelf stores our RouterInfo at the closest floodfill, directly, and waits for its confirmation; without one it
// goes on to the next.
func (db *DB) PublishSelf(ctx context.Context) error {
	self := db.deps.Self()
	if self == nil {
		return ErrNotReady
	}
	_, err := db.requester.publish(ctx, publication{
		entry:   i2np.DatabaseStore{Key: self.Hash(), StoreType: i2np.StoreRouterInfo, Data: self.Bytes()},
		confirm: directConfirm, sent: func() {},
	})
	if err != nil {
		db.counters.publishFailed.Add(1)
	} else {
		db.counters.published.Add(1)
	}
	return err
}

// SelfChanged tells Run that Self has news to publish.
func (db *DB) SelfChanged() {
	select {
	case db.changed <- struct{}{}:
	default: // one is pending, it will read the same RouterInfo
	}
}

// runPublication publishes our RouterInfo after the start, on change, and from time to time.
func (db *DB) runPublication(ctx context.Context) {
	if db.cfg.Hidden {
		return
	}
	first, gap, retryFirst, retryMost := publishFirst, publishGap, publishRetryFirst, publishRetryMost
	if db.cfg.Private {
		first, gap, retryFirst, retryMost = privateFirst, privateGap, privateRetryFirst, privateRetryMost
	}
	retry := retryFirst
	timer := time.NewTimer(first)
	defer timer.Stop()
	earliest := time.Now().Add(first)
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-db.changed:
			if wait := time.Until(earliest); wait > 0 {
				timer.Reset(wait)
				continue
			}
		}
		switch err := db.PublishSelf(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil:
			db.log.Debug("router info is not published", "error", err)
			timer.Reset(retry)
			retry = min(2*retry, retryMost)
		default:
			retry = retryFirst
			timer.Reset(db.between(publishInterval-publishSpread, publishInterval+publishSpread))
		}
		earliest = time.Now().Add(gap)
	}
}
