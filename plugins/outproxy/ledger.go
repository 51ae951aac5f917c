package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"clove.i2p/plugins/visitors"
)

// budget limits bytes; 0 is no limit.
type budget struct {
	rate          int64 // per second of one client
	client, total int64 // per day
}

// ledger counts bytes by client and day (UTC), and paces them. It lives in the tunnel's store, so that a restart gives nobody a
// new quota.
type ledger struct {
	mu      sync.Mutex
	budget  budget
	day     int64 // since 1970
	total   int64
	clients *visitors.Table[account]
	dirty   bool
}

type account struct {
	used  int64
	open  int
	pacer *rate.Limiter
}

// store is the tunnel's.
type store interface {
	Get(ctx context.Context, key string) (value []byte, found bool, err error)
	Put(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
	Keys(ctx context.Context, prefix string) ([]string, error)
}

func newLedger(b budget) *ledger {
	return &ledger{budget: b, clients: visitors.NewTable(maxAccounts, func(a *account) bool { return a.open > 0 })}
}

func (l *ledger) setBudget(b budget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.budget = b
	l.clients.All(func(_ visitors.Peer, a *account) bool {
		a.pacer = nil
		return true
	})
}

// key is what the ledger knows of a client: 16 bytes of its hash, the rest zero.
func key(p visitors.Peer) visitors.Peer {
	clear(p[16:])
	return p
}

func dayOf(now time.Time) int64 { return now.Unix() / 86400 }

// turn begins a new day. mu is held.
func (l *ledger) turn(now time.Time) {
	if day := dayOf(now); day != l.day {
		l.day, l.total, l.dirty = day, 0, true
		l.clients.All(func(_ visitors.Peer, a *account) bool {
			a.used = 0
			return true
		})
	}
}

// today returns the account for the day. mu is held.
func (l *ledger) today(now time.Time, p visitors.Peer) *account {
	l.turn(now)
	return l.clients.Get(key(p))
}

// open and close count connections: the account of who has one is not forgotten.
func (l *ledger) open(now time.Time, p visitors.Peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.today(now, p).open++
}

func (l *ledger) close(now time.Time, p visitors.Peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.today(now, p).open--
}

// left tells whether a quota has something left, and if not, for how long.
func (l *ledger) left(now time.Time, p visitors.Peer) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.today(now, p)
	if l.budget.client > 0 && a.used >= l.budget.client || l.budget.total > 0 && l.total >= l.budget.total {
		return time.Unix((l.day+1)*86400, 0).Sub(now), false
	}
	return 0, true
}

var errQuota = errors.New("outproxy: quota used up")

// spend counts n bytes and returns the pacer to wait for, nil for none. errQuota: there was nothing left before them.
func (l *ledger) spend(now time.Time, p visitors.Peer, n int) (*rate.Limiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.today(now, p)
	var err error
	if l.budget.client > 0 && a.used >= l.budget.client || l.budget.total > 0 && l.total >= l.budget.total {
		err = errQuota
	}
	a.used += int64(n)
	l.total += int64(n)
	l.dirty = true
	if l.budget.rate > 0 && a.pacer == nil {
		a.pacer = rate.NewLimiter(rate.Limit(l.budget.rate), int(max(minBurst, l.budget.rate)))
	}
	return a.pacer, err
}

const accountSize = 16 + 8

func shardKey(i int) string { return fmt.Sprintf("quota/%d", i) }

// save writes the day's accounts: 8 bytes of the day, 8 of the total, then 16 of hash and 8 of count each. In an upgrade two
// programs do so for a while: each takes up first what the other knew.
func (l *ledger) save(ctx context.Context, now time.Time, s store) error {
	l.mu.Lock()
	dirty := l.dirty
	l.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := l.load(ctx, now, s); err != nil {
		return err
	}
	l.mu.Lock()
	l.dirty = false
	var shards [accountShards][]byte
	for i := range shards {
		shards[i] = binary.BigEndian.AppendUint64(nil, uint64(l.day))
		shards[i] = binary.BigEndian.AppendUint64(shards[i], uint64(l.total))
	}
	l.clients.All(func(p visitors.Peer, a *account) bool {
		b := &shards[p[0]%accountShards]
		if a.used > 0 && len(*b)+accountSize <= 64<<10 {
			*b = binary.BigEndian.AppendUint64(append(*b, p[:16]...), uint64(a.used))
		}
		return true
	})
	l.mu.Unlock()
	for i, b := range shards {
		if err := s.Put(ctx, shardKey(i), b); err != nil {
			l.mu.Lock()
			l.dirty = true
			l.mu.Unlock()
			return err
		}
	}
	return nil
}

// load reads what save wrote, if it is of today; the larger number counts. What it cannot read counts as nothing.
func (l *ledger) load(ctx context.Context, now time.Time, s store) error {
	for i := range accountShards {
		b, found, err := s.Get(ctx, shardKey(i))
		if err != nil {
			return err
		}
		if found {
			l.read(now, b)
		}
	}
	return nil
}

func (l *ledger) read(now time.Time, b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(b) < 16 || (len(b)-16)%accountSize != 0 || int64(binary.BigEndian.Uint64(b)) != dayOf(now) {
		return
	}
	l.turn(now)
	l.total = max(l.total, int64(binary.BigEndian.Uint64(b[8:])))
	for b = b[16:]; len(b) > 0; b = b[accountSize:] {
		var p visitors.Peer
		copy(p[:16], b)
		a := l.today(now, p)
		a.used = max(a.used, int64(binary.BigEndian.Uint64(b[16:])))
	}
}

// active is the number of clients that have used some of today's quota.
func (l *ledger) active() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	l.clients.All(func(_ visitors.Peer, a *account) bool {
		if a.used > 0 {
			n++
		}
		return true
	})
	return float64(n)
}
