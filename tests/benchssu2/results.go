//go:build linux

package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"time"

	"clove.i2p/tests/bench"
)

// results by kind of push, and by mode.
type results struct {
	load         string
	features     map[string]string
	pushes       []map[string][]sample
	median, late map[string][]time.Duration // of pings
	i2pd         map[string][]sample        // as a receiver, by version
	networks     []network
}

func newResults() *results {
	r := &results{
		load: bench.Load(), features: map[string]string{}, median: map[string][]time.Duration{}, late: map[string][]time.Duration{},
		i2pd: map[string][]sample{},
	}
	for range kinds {
		r.pushes = append(r.pushes, map[string][]sample{})
	}
	return r
}

func of(all []sample, f func(sample) float64) float64 {
	var v []float64
	for _, s := range all {
		v = append(v, f(s))
	}
	return bench.Median(v)
}

func (r *results) print(w io.Writer, modes []string) {
	fmt.Fprintf(w, "%d processors, load %s before and %s after\n", runtime.NumCPU(), r.load, bench.Load())
	for _, m := range modes {
		fmt.Fprintf(w, "%-9s%s\n", m, r.features[m])
	}
	fmt.Fprintf(w, "\n%-14s %6s  %-8s %7s %13s %7s %7s %7s %7s %8s %8s %10s %9s %8s %7s\n", "sessions", "bytes", "mode", "MB/s", "min-max", "x "+modes[0],
		"kpkt/s", "ack/pkt", "pkt/msg", "pkt/call", "lost", "CPU send", "receive", "transit", "x "+modes[0])
	for i, k := range kinds {
		base := r.pushes[i][modes[0]]
		for _, m := range modes {
			push(w, k, m, r.pushes[i][m], base, true)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.i2pd)) {
		push(w, kind{name: "to " + name, size: tunnelMessage}, "auto", r.i2pd[name], r.pushes[0][modes[0]], false)
	}
	fmt.Fprintf(w, "\n%-9s %14s %10s\n", "ping", "median us", "99 % us")
	for _, m := range modes {
		fmt.Fprintf(w, "%-9s %14.0f %10.0f\n", m, micros(r.median[m]), micros(r.late[m]))
	}
}

// push prints a line. If the receiver is another router than the sender there is no sense in their sum.
func push(w io.Writer, k kind, mode string, s, base []sample, alike bool) {
	var speeds []float64
	for _, x := range s {
		speeds = append(speeds, x.speed())
	}
	calls := of(s, func(x sample) float64 {
		if x.Writes == 0 {
			return 1
		}
		return x.Packets / x.Writes
	})
	speed, carried := of(s, sample.speed), "       -       -"
	if alike {
		carried = fmt.Sprintf("%8.0f %7.2f", of(s, sample.transit), of(s, sample.transit)/of(base, sample.transit))
	}
	fmt.Fprintf(w, "%-14s %6d  %-8s %7.1f %6.1f-%6.1f %7.2f %7.1f %7.2f %7.2f %8.1f %8.0f %10.2f %9.2f %s\n", k.name, k.size, mode,
		speed, slices.Min(speeds), slices.Max(speeds), speed/of(base, sample.speed), of(s, sample.rate),
		of(s, func(x sample) float64 { return x.Acks / x.Packets }), of(s, func(x sample) float64 { return x.Packets / x.Messages }), calls,
		of(s, func(x sample) float64 { return x.Lost }), of(s, sample.send), of(s, sample.receive), carried)
}

func micros(all []time.Duration) float64 {
	var v []float64
	for _, d := range all {
		v = append(v, float64(d)/float64(time.Microsecond))
	}
	return bench.Median(v)
}
