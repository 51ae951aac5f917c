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

// IsolationLimits bound what the proxies' users take of the network: each destination keeps a set of tunnels.
type IsolationLimits struct {
	// Destinations of one listener, beside its own.
	Destinations int
	// Idle ends a destination that nobody used for so long.
	Idle time.Duration
	// Prewarm is the number of destinations that are ready for whoever comes next.
	Prewarm int
}

// Destinations are what the proxies' streams leave from: one for each isolation key, so that two of them cannot be linked by
// what they visit. A listener's own is pinned: it is there from the start and stays.
type destinations struct {
	open   func(proxies.Shape) (*router.Destination, error)
	refill chan struct{} // holds one wake-up of run

	mu     sync.Mutex
	limits IsolationLimits
	held   map[proxies.Isolation]*held
	spare  []*router.Destination
}

type held struct {
	dialer
	pinned bool
	uses   int // dials and packet sockets
	used   time.Time
}

func newDestinations(limits IsolationLimits, open func(proxies.Shape) (*router.Destination, error)) *destinations {
	return &destinations{open: open, refill: make(chan struct{}, 1), limits: limits, held: make(map[proxies.Isolation]*held)}
}

// pin opens the destination of a key and keeps it.
func (d *destinations) pin(key proxies.Isolation) (*router.Destination, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.held[key]
	if h == nil {
		destination, err := d.open(key.Shape)
		if err != nil {
			return nil, err
		}
		h = &held{dialer: dialer{destination}}
		d.held[key] = h
	}
	h.pinned = true
	return h.destination, nil
}

// setLimits is for the next to come: nobody who has a destination loses it.
func (d *destinations) setLimits(l IsolationLimits) {
	d.mu.Lock()
	d.limits = l
	d.mu.Unlock()
	d.wake()
}

func (d *destinations) wake() {
	select {
	case d.refill <- struct{}{}:
	default: // it is awake already
	}
}

// dial opens a stream from the destination of the target's isolation.
func (d *destinations) dial(ctx context.Context, t proxies.Target) (net.Conn, error) {
	h, err := d.take(t.Isolation)
	if err != nil {
		return nil, err
	}
	defer d.put(h)
	return h.Dial(ctx, t)
}

func (d *destinations) take(key proxies.Isolation) (*held, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	h := d.held[key]
	if h == nil {
		if !d.room(key.Listener, now) {
			return nil, fmt.Errorf("%w: %d users have streams of their own now", proxies.ErrNotReady, d.limits.Destinations)
		}
		destination, err := d.next(key.Shape)
		if err != nil {
			return nil, fmt.Errorf("appliance: isolate: %w", err)
		}
		h = &held{dialer: dialer{destination}}
		d.held[key] = h
	}
	h.uses++
	h.used = now
	return h, nil
}

// next is a destination that nobody used before. The caller holds d.mu.
func (d *destinations) next(shape proxies.Shape) (*router.Destination, error) {
	if n := len(d.spare); n > 0 && shape == (proxies.Shape{}) {
		destination := d.spare[0]
		d.spare = d.spare[1:]
		d.wake()
		return destination, nil
	}
	return d.open(shape)
}

func (d *destinations) put(h *held) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h.uses--
	h.used = time.Now()
}

// idle is how long a destination has had neither uses nor streams. The caller holds d.mu.
func (h *held) idle(now time.Time) time.Duration {
	if h.pinned || h.uses > 0 || h.destination.Status().Streams > 0 {
		h.used = now
	}
	return now.Sub(h.used)
}

// room makes room for one more destination of a listener, if it has to by closing the one that was idle longest. The caller
// holds d.mu.
func (d *destinations) room(listener string, now time.Time) bool {
	var victim proxies.Isolation
	var longest time.Duration
	n := 0
	for key, h := range d.held {
		if key.Listener != listener || h.pinned {
			continue
		}
		n++
		if idle := h.idle(now); idle > longest {
			victim, longest = key, idle
		}
	}
	if n < d.limits.Destinations {
		return true
	}
	if longest == 0 {
		return false
	}
	d.end(victim)
	return true
}

// sweep closes those that were idle for too long.
func (d *destinations) sweep(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, h := range d.held {
		if h.idle(now) >= d.limits.Idle {
			d.end(key)
		}
	}
}

// end closes a destination. The caller holds d.mu.
func (d *destinations) end(key proxies.Isolation) {
	d.held[key].destination.Close()
	delete(d.held, key)
}

// prewarm opens what is missing in the spare ones.
func (d *destinations) prewarm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.spare) < d.limits.Prewarm {
		destination, err := d.open(proxies.Shape{})
		if err != nil {
			return // the router ends
		}
		d.spare = append(d.spare, destination)
	}
	for len(d.spare) > d.limits.Prewarm {
		d.spare[0].Close()
		d.spare = d.spare[1:]
	}
}

// run closes what is idle and keeps spare ones ready until ctx ends; the router closes the rest.
func (d *destinations) run(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		d.prewarm()
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			d.sweep(now)
		case <-d.refill:
		}
	}
}

// sweepEvery is how often idle destinations are looked for.
const sweepEvery = time.Minute
