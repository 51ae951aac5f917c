//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"clove.i2p/plugins/host/sandbox"
	"clove.i2p/tests/netns"
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fail := func(err error) int {
		fmt.Fprintln(stderr, "benchplugin:", err)
		return 1
	}
	if len(args) == 1 && args[0] == loadCommand {
		if err := serveLoad(os.Stdin, stdout); err != nil {
			return fail(err)
		}
		return 0
	}
	o, err := parse(args, stderr)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fail(err)
		}
		return 2
	}
	if !netns.Inside() {
		code, err := netns.Reexec()
		if err != nil {
			return fail(fmt.Errorf("it needs root, or unprivileged user namespaces: %w", err))
		}
		return code
	}
	if err := netns.RaiseLoopback(); err != nil {
		return fail(err)
	}
	if err := bench(ctx, o, stdout); err != nil {
		return fail(err)
	}
	return 0
}

func bench(ctx context.Context, o options, out io.Writer) (err error) {
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
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(out, "%d processors, load %.4s; medians of %d\n\n", runtime.NumCPU(), load, o.repeat)
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
