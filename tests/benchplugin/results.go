//go:build linux

package main

import (
	"fmt"
	"io"
	"time"

	"clove.i2p/tests/bench"
)

// A way is one of those that the same bytes go.
type way struct {
	name    string
	samples []sample
}

// A sample is one download.
type sample struct {
	bytes int64
	took  time.Duration
	cpu   time.Duration // of the side that is looked at, or of the client's
	other time.Duration // of the server's side
}

func (w *way) speed() float64 { return w.median(sample.speed) }

func (s sample) speed() float64 { return float64(s.bytes) / mega / s.took.Seconds() }

func (w *way) spread() (slowest, fastest float64) {
	slowest = w.samples[0].speed()
	for _, s := range w.samples {
		slowest, fastest = min(slowest, s.speed()), max(fastest, s.speed())
	}
	return slowest, fastest
}

func (w *way) cpu() float64 { return w.median(func(s sample) float64 { return perGB(s.cpu, s.bytes) }) }
func (w *way) other() float64 {
	return w.median(func(s sample) float64 { return perGB(s.other, s.bytes) })
}

func perGB(d time.Duration, bytes int64) float64 { return d.Seconds() * 1000 * mega / float64(bytes) }

func (w *way) median(of func(sample) float64) float64 {
	var all []float64
	for _, s := range w.samples {
		all = append(all, of(s))
	}
	return bench.Median(all)
}

// printWays compares ways with the first of them. cpu is what of a way is looked at.
func printWays(out io.Writer, title string, cpu func(*way) float64, ways ...*way) {
	fmt.Fprintf(out, "%-34s %8s %6s %15s %10s %6s\n", title, "MB/s", "x", "min-max", "CPU s/GB", "x")
	for _, w := range ways {
		slowest, fastest := w.spread()
		fmt.Fprintf(out, "  %-32s %8.1f %6.2f %7.1f-%-7.1f %10.2f %6.2f\n", w.name, w.speed(), w.speed()/ways[0].speed(), slowest, fastest, cpu(w), cpu(w)/cpu(ways[0]))
	}
	fmt.Fprintln(out)
}
