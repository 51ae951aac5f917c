// Command clove is an I2P router with an HTTP and a SOCKS proxy.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"clove.i2p/plugins/host/sandbox"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// shutdownLimit ends a shutdown that hangs: signals are answered within 5 seconds.
const shutdownLimit = 4500 * time.Millisecond

func main() {
	sandbox.Main() // does not return in a process that becomes a plugin
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !reloads(os.Args) && !signal.Ignored(syscall.SIGHUP) { // nohup: the end of the terminal is not ours
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends at once
		time.AfterFunc(shutdownLimit, func() {
			fmt.Fprintln(os.Stderr, "clove: shutdown takes too long, leaving")
			os.Exit(exitFailure)
		})
	})
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// reloads reports whether SIGHUP means to read the configuration again.
func reloads(args []string) bool { return len(args) > 1 && args[1] == "run" }

// errUsage marks the errors of a wrong command line or configuration.
type errUsage struct{ error }

func (e errUsage) Unwrap() error { return e.error }

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "clove: %v\n", err)
	var usage errUsage
	if errors.As(err, &usage) {
		fmt.Fprintf(stderr, "Run '%s --help' for what it takes.\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailure
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "clove",
		Short: "An I2P router with an HTTP and a SOCKS proxy",
		Long: `clove is an I2P router with an HTTP and a SOCKS proxy in front.

Point a browser at http://127.0.0.1:4444 (HTTP proxy) or 127.0.0.1:4447 (SOCKS) to read eepsites.
'clove demo' shows it all on this machine, without the internet.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return errUsage{err} })
	root.SetHelpCommand(newHelp())
	root.AddCommand(newRun(), newDemo(), newServe(), newStatus(), newKeys(), newConfig(), newVersion(),
		newTunnel(), newPlugin(), newConnections(), newRules(), newAudit(), newReload(), newDoctor())
	return root
}

// newHelp is cobra's help command, but an unknown command is an error.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "What a command does and takes",
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return errUsage{fmt.Errorf("unknown command %q", strings.Join(args, " "))}
			}
			return of.Help()
		},
	}
}

// usageArgs makes the complaint of an argument check a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return errUsage{err}
		}
		return nil
	}
}
