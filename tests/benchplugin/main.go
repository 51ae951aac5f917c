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
	"runtime"
	"strconv"
	"strings"

	"clove.i2p/plugins/host/sandbox"
	"clove.i2p/tests/bench"
)

// options of a run.
type options struct {
	clove    string
	gateSize int64 // bytes
	size     int64
	repeat   int
	hops     []int
}

const mega = 1_000_000

func main() {
	sandbox.Main() // does not return in a process that becomes a plugin
	if len(os.Args) == 2 && os.Args[1] == loadCommand {
		if err := serveLoad(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "benchplugin:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(bench.Run("benchplugin", parse, measureAll))
}

func measureAll(ctx context.Context, o options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "clove-bench-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			os.RemoveAll(dir)
		} else {
			err = fmt.Errorf("%w (logs are in %s)", err, dir)
		}
	}()
	fmt.Fprintf(out, "%d processors, load %s; medians of %d\n\n", runtime.NumCPU(), bench.Load(), o.repeat)
	if o.gateSize > 0 {
		if err := benchGate(ctx, o, dir, out); err != nil {
			return err
		}
	}
	if len(o.hops) == 0 || o.size == 0 {
		return nil
	}
	return benchWhole(ctx, o, dir, out)
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("benchplugin", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.clove, "clove", "bin/clove", "clove binary, with the plugins beside it")
	gateSize := f.Int64("gate-size", 2000, "MB per download through the gate alone; 0 leaves that part out")
	size := f.Int64("size", 100, "MB per download through two cloves; 0 leaves that part out")
	f.IntVar(&o.repeat, "repeat", 5, "downloads of each kind")
	hops := f.String("hops", "0,1", "lengths of the I2P tunnels")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.repeat < 1 || *size < 0 || *gateSize < 0 {
		return o, errors.New("wrong arguments; -help tells which there are")
	}
	o.gateSize, o.size = *gateSize*mega, *size*mega
	for s := range strings.SplitSeq(*hops, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 3 {
			return o, fmt.Errorf("-hops: %q: want numbers from 0 to 3", s)
		}
		o.hops = append(o.hops, n)
	}
	o.clove, err = filepath.Abs(o.clove)
	return o, err
}
