//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clove.i2p/tests/bench"
	"clove.i2p/tests/interop"
)

const mega = 1_000_000

// options of a run.
type options struct {
	modes   []string
	time    time.Duration // of one push
	repeat  int
	profile string
	dir     string

	// The second part: binaries.
	clove, network string
	i2pd           []string
	size           int // MB per download
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == peerCommand {
		if err := servePeer(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "benchssu2 peer:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(bench.Run("benchssu2", parse, measureAll))
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("benchssu2", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.DurationVar(&o.time, "time", 2*time.Second, "time of each push")
	f.IntVar(&o.repeat, "repeat", 3, "pushes of each kind")
	f.StringVar(&o.profile, "profile", "", "write CPU profiles of senders and receivers to this folder")
	f.StringVar(&o.clove, "clove", "bin/clove", "clove binary for whole networks")
	f.StringVar(&o.network, "network", "", "binary of tests/benchnetwork; none: no whole networks")
	f.IntVar(&o.size, "size", 40, "MB per download")
	peers := f.String("i2pd", "", "i2pd binaries to compare with, with commas between; - is the one that is installed, if any")
	list := f.String("modes", "plain,batched,auto", "how packets move")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	for m := range strings.SplitSeq(*list, ",") {
		if _, ok := modes[m]; !ok {
			return o, fmt.Errorf("-modes: no mode %q", m)
		}
		o.modes = append(o.modes, m)
	}
	if o.time <= 0 || o.repeat < 1 || o.size < 1 {
		return o, errors.New("-time, -repeat and -size must be positive")
	}
	for p := range strings.SplitSeq(*peers, ",") {
		if p == "-" {
			if p, err = interop.FindI2pd(); err != nil {
				fmt.Fprintln(stderr, "benchssu2: no i2pd to compare with:", err)
				p, err = "", nil
			}
		}
		if p != "" {
			o.i2pd = append(o.i2pd, p)
		}
	}
	for _, p := range []*string{&o.clove, &o.network} {
		if *p != "" {
			if *p, err = filepath.Abs(*p); err != nil {
				return o, err
			}
		}
	}
	if o.profile != "" {
		if o.profile, err = filepath.Abs(o.profile); err == nil {
			err = os.MkdirAll(o.profile, 0o755)
		}
	}
	return o, err
}

// A kind of push.
type kind struct {
	name           string
	sessions, size int
}

var kinds = []kind{
	{"1 session", 1, tunnelMessage},
	{"1 session", 1, largeMessage},
	{fmt.Sprintf("%d sessions", many), many, tunnelMessage},
}

// bench measures all and prints the tables. The modes take turns, so that whatever else the machine does meets all of them.
func measureAll(ctx context.Context, o options, out io.Writer) (err error) {
	if o.dir, err = os.MkdirTemp("", "clove-bench-ssu2-"); err != nil {
		return err
	}
	defer func() {
		if err == nil {
			os.RemoveAll(o.dir)
		} else {
			err = fmt.Errorf("%w (logs are in %s)", err, o.dir)
		}
	}()
	r := newResults()
	for range o.repeat {
		for _, mode := range o.modes {
			if err := r.round(ctx, o, mode); err != nil {
				return fmt.Errorf("%s: %w", mode, err)
			}
		}
		for _, program := range o.i2pd {
			if err := r.toI2pd(ctx, o, program); err != nil {
				return fmt.Errorf("%s: %w", program, err)
			}
		}
	}
	r.print(out, o.modes)
	if o.network == "" {
		return nil
	}
	for _, v := range o.variants() {
		if err := r.network(ctx, o, v); err != nil {
			return err
		}
	}
	r.printNetworks(out)
	return nil
}

// round takes every kind once.
func (r *results) round(ctx context.Context, o options, mode string) error {
	for _, sessions := range []int{1, many} {
		p, err := newPair(o, mode, sessions)
		if err != nil {
			return err
		}
		err = r.pair(ctx, p, mode, sessions)
		if err := errors.Join(err, p.stop()); err != nil {
			return err
		}
	}
	return nil
}

func (r *results) pair(ctx context.Context, p *pair, mode string, sessions int) error {
	for i, k := range kinds {
		if k.sessions != sessions {
			continue
		}
		s, err := p.push(ctx, k.size)
		if err != nil {
			return err
		}
		r.pushes[i][mode] = append(r.pushes[i][mode], s)
	}
	if sessions > 1 {
		return nil
	}
	a, err := p.peer.ask(request{Do: "infos"})
	if err != nil {
		return err
	}
	r.features[mode] = a.Features
	trips, err := p.ping()
	if err != nil {
		return err
	}
	r.median[mode] = append(r.median[mode], trips[len(trips)/2])
	r.late[mode] = append(r.late[mode], trips[len(trips)*99/100])
	return nil
}
