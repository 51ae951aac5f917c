// Package failover chooses among destinations that offer the same thing (layer 0): client tunnels name several, and try the
// next where one does not answer. Who failed comes last for a while.
//
// Nothing here has a goroutine or a socket.
package failover

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

// restTime is how long one that failed comes behind the others: long enough that not every client waits for a connect
// time-out, short enough that a server which restarted is soon the first again.
const restTime = 5 * time.Minute

// List is the destinations of a tunnel. Its methods may be called at the same time.
type List struct {
	addresses []string
	shuffle   bool

	mu     sync.Mutex
	failed map[string]time.Time
}

// New makes a list; shuffle: each connection begins with another one, otherwise with the first.
func New(addresses []string, shuffle bool) *List {
	return &List{addresses: slices.Clone(addresses), shuffle: shuffle, failed: make(map[string]time.Time)}
}

// Order is the order to try them in: those that failed lately last, the oldest failure first.
func (l *List) Order(now time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	order := slices.Clone(l.addresses)
	if l.shuffle {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	since := func(address string) time.Time {
		if at, ok := l.failed[address]; ok && now.Sub(at) < restTime {
			return at
		}
		return time.Time{}
	}
	slices.SortStableFunc(order, func(a, b string) int { return since(a).Compare(since(b)) })
	return order
}

// Note remembers what became of a try.
func (l *List) Note(address string, now time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ok {
		delete(l.failed, address)
	} else if slices.Contains(l.addresses, address) {
		l.failed[address] = now
	}
}

// Down tells whether all of them failed when they were tried last.
func (l *List) Down() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.addresses {
		if _, bad := l.failed[a]; !bad {
			return false
		}
	}
	return true
}

// Dial tries them in order, each for as long as timeout, until one answers or ctx ends. The error is that of the first one that
// was tried: the others were only the way out.
func (l *List) Dial(ctx context.Context, timeout time.Duration, dial func(ctx context.Context, address string) (net.Conn, error)) (net.Conn, error) {
	first := errors.New("no destination is configured")
	for i, address := range l.Order(time.Now()) {
		one, cancel := context.WithTimeout(ctx, timeout)
		c, err := dial(one, address)
		cancel()
		if err == nil {
			l.Note(address, time.Now(), true)
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		l.Note(address, time.Now(), false)
		if i == 0 {
			first = err
		}
	}
	return nil, first
}
