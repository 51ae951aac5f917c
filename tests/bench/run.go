//go:build linux

package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"clove.i2p/tests/netns"
)

// Run is the main function of a program: it parses the arguments and measures in a network namespace. It returns the exit code.
func Run[O any](name string, parse func(args []string, stderr io.Writer) (O, error), measure func(ctx context.Context, o O, out io.Writer) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:], os.Stderr)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		}
		return 2
	}
	if !netns.Inside() {
		code, err := netns.Reexec()
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: it needs root, or unprivileged user namespaces: %v\n", name, err)
			return 1
		}
		return code
	}
	if err = netns.RaiseLoopback(); err == nil {
		err = measure(ctx, o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}
