package sdk

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"clove.i2p/plugins/api/pb"
)

// Counter counts up.
type Counter struct{ n atomic.Uint64 }

// Add n.
func (c *Counter) Add(n uint64) { c.n.Add(n) }

// Value so far.
func (c *Counter) Value() uint64 { return c.n.Load() }

type metrics struct {
	mu   sync.Mutex
	list []metric
}

type metric struct {
	name, help string
	counter    *Counter
	gauge      func() float64
}

// Counter makes a counter, or returns the one of this name. Names are snake_case, "ctcp_dropped", and fixed: none for each peer.
func (t *Tunnel) Counter(name, help string) *Counter {
	return t.metrics.add(metric{name: name, help: help, counter: &Counter{}}).counter
}

// Gauge makes a value that goes up and down. f answers at once; it replaces the one of this name.
func (t *Tunnel) Gauge(name, help string, f func() float64) {
	t.metrics.add(metric{name: name, help: help, gauge: f})
}

func (m *metrics) add(add metric) metric {
	if !keyPattern.MatchString(add.name) {
		panic(fmt.Sprintf("sdk: metric %q: names are lower-case letters, digits and _", add.name))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, old := range m.list {
		if old.name != add.name {
			continue
		}
		if (old.counter == nil) != (add.counter == nil) {
			panic(fmt.Sprintf("sdk: metric %q is both counter and gauge", add.name))
		}
		if old.counter != nil {
			return old
		}
		m.list[i] = add
		return add
	}
	if len(m.list) == maxMetrics {
		panic(fmt.Sprintf("sdk: more than %d metrics: %q", maxMetrics, add.name))
	}
	m.list = append(m.list, add)
	return add
}

func (t *Tunnel) metricsNow(ctx context.Context) []*pb.Metric {
	t.metrics.mu.Lock()
	list := append([]metric(nil), t.metrics.list...)
	t.metrics.mu.Unlock()
	var out []*pb.Metric
	for _, m := range list {
		if m.counter != nil {
			out = append(out, &pb.Metric{Name: m.name, Help: m.help, Value: float64(m.counter.Value())})
		}
	}
	if dropped := t.log().dropped.Load(); dropped > 0 {
		out = append(out, &pb.Metric{Name: "log_lines_dropped", Help: "log lines that the host did not take in time", Value: float64(dropped)})
	}
	gauges := make(chan *pb.Metric, len(list))
	done, _ := bounded(ctx, func() {
		defer close(gauges)
		for _, m := range list {
			if m.gauge != nil {
				gauges <- &pb.Metric{Name: m.name, Help: m.help, Value: m.gauge(), Gauge: true}
			}
		}
	})
	if done {
		for g := range gauges {
			out = append(out, g)
		}
		return out
	}
	for range len(gauges) {
		out = append(out, <-gauges)
	}
	return out
}
