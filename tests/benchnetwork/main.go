//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"clove.i2p/tests/bench"
	"clove.i2p/tests/interop"
)

// options of a run.
type options struct {
	clove   string
	i2pd    string // program to measure in place of clove
	size    int    // MB
	repeat  int
	fetches int
	hops    []int
	streams []int
	limit   time.Duration // for one download
	settle  time.Duration

	transports []string // none: both
	batching   string   // of clove's SSU2

	json    string
	profile string
	keep    string
	compare []reference
}

func main() { os.Exit(bench.Run("benchnetwork", parse, measureAll)) }

func parse(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("benchnetwork", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.clove, "clove", "bin/clove", "clove binary")
	f.StringVar(&o.i2pd, "i2pd", "", "i2pd binary to measure in place of clove; - finds it")
	transport := f.String("transport", "both", "transport of all routers: ntcp2, ssu2 or both")
	f.StringVar(&o.batching, "batching", "auto", "how clove's SSU2 moves packets: auto, batched or plain")
	f.IntVar(&o.size, "size", 50, "MB per download")
	f.IntVar(&o.repeat, "repeat", 3, "downloads per line")
	f.IntVar(&o.fetches, "fetches", 20, "small GETs for the latencies")
	f.DurationVar(&o.limit, "limit", time.Minute, "most time for one download; it counts with what has arrived")
	f.DurationVar(&o.settle, "settle", time.Second, "pause before each download")
	f.StringVar(&o.json, "json", "", "write the results to this file")
	f.StringVar(&o.profile, "profile", "", "write CPU profiles of all routers to this folder")
	f.StringVar(&o.keep, "dir", "", "keep data directories and logs in this folder (default: a temporary one)")
	f.Func("compare", "[STREAMS=]FILE: print ratios to these results, for 1 stream if not said (repeatable)", func(s string) error {
		r, err := readReference(s)
		o.compare = append(o.compare, r)
		return err
	})
	hops := f.String("hops", "1,2,3", "tunnel lengths")
	streams := f.String("streams", "1,8", "numbers of downloads at once")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if o.hops, err = numbers(*hops, 0, 6); err != nil {
		return o, fmt.Errorf("-hops: %w", err)
	}
	if o.streams, err = numbers(*streams, 1, 100); err != nil {
		return o, fmt.Errorf("-streams: %w", err)
	}
	switch *transport {
	case "ntcp2", "ssu2":
		o.transports = []string{*transport}
	case "both":
	default:
		return o, fmt.Errorf("-transport %s: want ntcp2, ssu2 or both", *transport)
	}
	if o.i2pd == "-" {
		if o.i2pd, err = interop.FindI2pd(); err != nil {
			return o, err
		}
	}
	if o.i2pd != "" && o.profile != "" {
		return o, errors.New("-profile is for clove")
	}
	if o.size < 1 || o.repeat < 1 || o.fetches < 1 {
		return o, errors.New("-size, -repeat and -fetches must be at least 1")
	}
	for _, p := range []*string{&o.clove, &o.i2pd, &o.json, &o.profile, &o.keep} {
		if *p != "" {
			if *p, err = filepath.Abs(*p); err != nil {
				return o, err
			}
		}
	}
	return o, nil
}

func numbers(list string, least, most int) ([]int, error) {
	var out []int
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return nil, fmt.Errorf("%q: want numbers from %d to %d", s, least, most)
		}
		out = append(out, n)
	}
	return out, nil
}
