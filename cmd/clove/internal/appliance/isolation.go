package appliance

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/router"
)

const (
	// maxIsolated bounds the destinations of one proxy beside its own: each keeps a set of tunnels.
	maxIsolated = 16
	// isolatedIdle ends one that nobody used for so long: its tunnels cost other routers, too.
	isolatedIdle = 10 * time.Minute
)

// An isolator is the Dialer of one proxy: whoever gives no user name shares the proxy's destination, and each user name and
// password has one of its own, so that two of them cannot be linked by what they visit.
type isolator struct {
	dialer
	open func() (*router.Destination, error)

	mu     sync.Mutex
	others map[proxies.Isolation]*isolated
}

type isolated struct {
	dialer
	dials int
	used  time.Time
}

func newIsolator(shared *router.Destination, open func() (*router.Destination, error)) *isolator {
	return &isolator{dialer: dialer{shared}, open: open, others: make(map[proxies.Isolation]*isolated)}
}

// Dial opens a stream from the destination of the target's isolation.
func (i *isolator) Dial(ctx context.Context, t proxies.Target) (net.Conn, error) {
	if t.Isolation.User == "" {
		return i.dialer.Dial(ctx, t)
	}
	d, err := i.take(t.Isolation, time.Now())
	if err != nil {
		return nil, err
	}
	defer i.put(d)
	return d.Dial(ctx, t)
}

func (i *isolator) take(key proxies.Isolation, now time.Time) (*isolated, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	d := i.others[key]
	if d == nil {
		if len(i.others) >= maxIsolated && !i.evict(now) {
			return nil, fmt.Errorf("%w: %d users have streams of their own now", proxies.ErrNotReady, maxIsolated)
		}
		destination, err := i.open()
		if err != nil {
			return nil, fmt.Errorf("appliance: isolate: %w", err)
		}
		d = &isolated{dialer: dialer{destination}}
		i.others[key] = d
	}
	d.dials++
	d.used = now
	return d, nil
}

func (i *isolator) put(d *isolated) {
	i.mu.Lock()
	defer i.mu.Unlock()
	d.dials--
	d.used = time.Now()
}

// idle is how long a destination has had neither dials nor streams. The caller holds i.mu.
func (d *isolated) idle(now time.Time) time.Duration {
	if d.dials > 0 || d.destination.Status().Streams > 0 {
		d.used = now
	}
	return now.Sub(d.used)
}

// evict closes the destination that was idle longest and reports whether there was one. The caller holds i.mu.
func (i *isolator) evict(now time.Time) bool {
	var victim proxies.Isolation
	var longest time.Duration
	for key, d := range i.others {
		if idle := d.idle(now); idle > longest {
			victim, longest = key, idle
		}
	}
	if longest == 0 {
		return false
	}
	i.end(victim)
	return true
}

// sweep closes those that were idle for isolatedIdle.
func (i *isolator) sweep(now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, d := range i.others {
		if d.idle(now) >= isolatedIdle {
			i.end(key)
		}
	}
}

// end closes a destination. The caller holds i.mu.
func (i *isolator) end(key proxies.Isolation) {
	i.others[key].destination.Close()
	delete(i.others, key)
}

// run closes what is idle until ctx ends; the router closes the rest.
func (i *isolator) run(ctx context.Context) error {
	ticker := time.NewTicker(isolatedIdle / 10)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			i.sweep(now)
		}
	}
}

var (
	_ proxies.Dialer    = (*isolator)(nil)
	_ proxies.Readiness = (*isolator)(nil)
)
