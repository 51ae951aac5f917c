package gate

import (
	"sync"
	"time"

	"clove.i2p/plugins/api"
)

// isolation holds the destinations that streams with an isolation string leave from: one for each string, transient and not
// published.
type isolation struct {
	network Network
	spec    Spec // of the tunnel, without its keys

	mu     sync.Mutex
	table  map[string]*isolated
	closed bool
	ending sync.WaitGroup
}

type isolated struct {
	lazy
	key     string
	streams int
	used    time.Time
	idle    *time.Timer // runs while there are no streams
}

// take counts one stream in; put has to follow.
func (i *isolation) take(key string) (*isolated, error) {
	if len(key) > maxIsolation {
		return nil, refuse(api.ErrInvalid, "the isolation string is longer than %d bytes", maxIsolation)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return nil, refuse(api.ErrNotReady, "tunnel %s was removed", i.spec.Tunnel)
	}
	d := i.table[key]
	if d == nil {
		if len(i.table) >= maxIsolated && !i.evict() {
			return nil, refuse(api.ErrLimit, "tunnel %s has streams from %d isolated destinations already: close some, or isolate less", i.spec.Tunnel, maxIsolated)
		}
		d = &isolated{lazy: lazy{network: i.network, spec: i.spec}, key: key}
		if i.table == nil {
			i.table = make(map[string]*isolated)
		}
		i.table[key] = d
	}
	d.streams++
	if d.idle != nil {
		d.idle.Stop()
		d.idle = nil
	}
	return d, nil
}

// evict closes the destination that has been without streams for longest.
func (i *isolation) evict() bool {
	var oldest *isolated
	for _, d := range i.table {
		if d.streams == 0 && (oldest == nil || d.used.Before(oldest.used)) {
			oldest = d
		}
	}
	if oldest == nil {
		return false
	}
	i.remove(oldest)
	return true
}

func (i *isolation) put(d *isolated) {
	i.mu.Lock()
	defer i.mu.Unlock()
	d.streams--
	d.used = time.Now()
	if d.streams > 0 || i.closed {
		return
	}
	d.idle = time.AfterFunc(isolatedIdle, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if d.streams == 0 && i.table[d.key] == d {
			i.remove(d)
		}
	})
}

// remove takes d out, with the lock held; it is closed aside, as that may take a while.
func (i *isolation) remove(d *isolated) {
	delete(i.table, d.key)
	if d.idle != nil {
		d.idle.Stop()
	}
	i.ending.Go(d.close)
}

func (i *isolation) open() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := 0
	for _, d := range i.table {
		if d.now() != nil {
			n++
		}
	}
	return n
}

func (i *isolation) close() {
	i.mu.Lock()
	i.closed = true
	for _, d := range i.table {
		i.remove(d)
	}
	i.mu.Unlock()
	i.ending.Wait()
}
