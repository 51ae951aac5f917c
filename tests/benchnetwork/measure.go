//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"clove.i2p/tests/bench"
	"clove.i2p/tests/netns"
)

const mega = 1_000_000

// measure takes one line: latencies, and repeated downloads.
func (n *network) measure(ctx context.Context, hops, streams int) (l line, err error) {
	l = line{Hops: hops, Streams: streams}
	for range 3 {
		if _, err := get(ctx, n.httpProxy(), n.eepsite, "/", n.limit); err != nil {
			return l, err
		}
	}
	var ttfb []float64
	for range n.fetches {
		f, err := get(ctx, n.httpProxy(), n.eepsite, "/", n.limit)
		if err != nil {
			return l, err
		}
		ttfb = append(ttfb, round(bench.Milliseconds(f.first)))
		time.Sleep(50 * time.Millisecond)
	}
	trips := []time.Duration{0}
	if n.i2pd == nil { // its eepsites close a stream after one answer
		if trips, err = roundTrips(ctx, n.socksProxy(), n.eepsite, n.fetches); err != nil {
			return l, fmt.Errorf("SOCKS: %w", err)
		}
	}
	var rtt []float64
	for _, t := range trips {
		rtt = append(rtt, bench.Milliseconds(t))
	}
	slices.Sort(ttfb)
	l.TTFBs, l.TTFB, l.TTFB90, l.RTT = ttfb, bench.Median(ttfb), ttfb[len(ttfb)*9/10], bench.Median(rtt)
	for i := range n.repeat {
		if err := bench.Sleep(ctx, n.settle); err != nil {
			return l, err
		}
		profiles := func() error { return nil }
		if n.profile != "" && i == n.repeat-1 {
			profiles = n.profiles(ctx, fmt.Sprintf("%dhops-%dstreams", hops, streams), l.Runs)
		}
		r, err := n.download(ctx, streams)
		if err := errors.Join(err, profiles()); err != nil {
			return l, err
		}
		l.Runs = append(l.Runs, r)
	}
	l.summarize()
	return l, n.memoryOf(&l)
}

// download splits the size among the streams and takes time, CPU and counters.
func (n *network) download(ctx context.Context, streams int) (r sample, err error) {
	each := n.size * mega / streams
	want := netns.BytesSum(int64(each))
	before, err := n.costs(ctx)
	if err != nil {
		return r, err
	}
	start := time.Now()
	parts, errs := make([]fetched, streams), make([]error, streams)
	var wg sync.WaitGroup
	for i := range streams {
		wg.Go(func() {
			parts[i], errs[i] = get(ctx, n.httpProxy(), n.eepsite, "/bytes/"+strconv.Itoa(each), n.limit)
		})
	}
	wg.Wait()
	seconds := time.Since(start).Seconds()
	after, err := n.costs(ctx)
	if err := errors.Join(append(errs, err)...); err != nil {
		return r, err
	}
	total := 0
	for _, p := range parts {
		if p.bytes == each && p.hash != want {
			return r, errors.New("the download is corrupt")
		}
		total += p.bytes
	}
	r.MB = float64(total) / mega
	r.Speed, r.Seconds, r.Complete = r.MB/seconds, round(seconds), total == each*streams
	r.Client = (after.client - before.client) / r.MB
	r.Server = (after.server - before.server) / r.MB
	r.Transit = (after.transit - before.transit) / r.MB
	r.Dropped, r.Resent = after.dropped-before.dropped, after.resent-before.resent
	r.Datagrams, r.UDPLost = after.udp.Sent-before.udp.Sent, after.udp.Lost-before.udp.Lost
	return r, nil
}

// costs are sums since the start, CPU in milliseconds.
type costs struct {
	client, server, transit float64
	dropped, resent         uint64
	udp                     netns.Datagrams
}

func (n *network) costs(ctx context.Context) (c costs, err error) {
	for _, e := range n.nodes() {
		u, err := bench.UsageOf(e.pid())
		if err != nil {
			return c, err
		}
		switch e.role {
		case client:
			c.client += bench.Milliseconds(u.CPU)
		case server:
			c.server += bench.Milliseconds(u.CPU)
		default:
			c.transit += bench.Milliseconds(u.CPU)
		}
		if e.i2pd != nil {
			continue
		}
		var s any
		if err := e.status(ctx, &s); err != nil {
			return c, fmt.Errorf("%s: %w", e.name, err)
		}
		count(s, "", &c)
	}
	c.udp, err = netns.UDP()
	return c, err
}

// count sums the counters of a status by their names: what was dropped, and what was sent again.
func count(v any, name string, c *costs) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if name == "Dropped" || strings.HasPrefix(k, "Drop") {
				count(x, "Dropped", c)
			} else {
				count(x, k, c)
			}
		}
	case []any:
		for _, x := range v {
			count(x, name, c)
		}
	case float64:
		switch name {
		case "Dropped", "LoopbackDropped":
			c.dropped += uint64(v)
		case "Retransmitted":
			c.resent += uint64(v)
		}
	}
}

func (n *network) memoryOf(l *line) error {
	all := map[string]float64{}
	if err := n.memory(all); err != nil {
		return err
	}
	for _, t := range n.transit {
		l.TransitRSS = max(l.TransitRSS, all[t.name])
	}
	l.ClientRSS, l.ServerRSS = all[n.client.name], all[n.server.name]
	return nil
}

// profiles takes CPU profiles of all routers for about as long as the download before took; the function that it returns
// waits for them. go tool pprof merges those of several routers.
func (n *network) profiles(ctx context.Context, label string, before []sample) func() error {
	seconds := 4
	if len(before) > 0 {
		seconds = max(1, min(30, int(before[len(before)-1].Seconds)-1))
	}
	nodes := n.nodes()
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, e := range nodes {
		wg.Go(func() {
			time.Sleep(300 * time.Millisecond) // past slow start
			errs[i] = e.profile(ctx, seconds, filepath.Join(n.options.profile, label+"-"+e.name+".pprof"))
		})
	}
	return func() error {
		wg.Wait()
		return errors.Join(errs...)
	}
}

func (n *node) profile(ctx context.Context, seconds int, file string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://clove/debug/pprof/profile?seconds="+strconv.Itoa(seconds), nil)
	if err != nil {
		return err
	}
	answer, err := n.control().Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("profile of %s: %s", n.name, answer.Status)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

func round(x float64) float64 { return math.Round(x*10) / 10 }
