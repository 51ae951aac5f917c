package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"clove.i2p/config"
	"clove.i2p/plugins/conformance"
	"clove.i2p/plugins/scaffold"
)

func newPluginNew() *cobra.Command {
	var asJSON bool
	var options scaffold.Options
	var dir string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a plugin of your own: a Go module that builds and passes the conformance suite",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := config.CheckName(args[0]); err != nil {
				return errUsage{err}
			}
			if dir == "" {
				dir = "clove-plugin-" + args[0]
			}
			if err := scaffold.Write(dir, args[0], options); err != nil {
				return err
			}
			return show(cmd, asJSON, map[string]string{"folder": dir}, func(w io.Writer) {
				fmt.Fprintf(w, "%s written. Next:\n  cd %s && make && make test\n  clove plugin conformance ./clove-plugin-%s\n  clove plugin add ./clove-plugin-%s\n", dir, dir, args[0], args[0])
			})
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder to make (default: clove-plugin-NAME)")
	cmd.Flags().StringVar(&options.Module, "module", "", "module path (default: example.com/clove-plugin-NAME)")
	cmd.Flags().StringVar(&options.Replace, "source", "", "folder of clove's source, to build against it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newPluginConformance() *cobra.Command {
	var asJSON bool
	var sets []string
	var types []string
	cmd := &cobra.Command{
		Use:   "conformance BINARY",
		Short: "Run the contract suite against a plugin's program",
		Long: `conformance starts the program in a network of its own that is not I2P, and tries all that the contract asks for: handshake and
versions, settings, streams, half-close, a slow reader, drain, and the end of the host. It fails if the program does.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			options := conformance.Options{Binary: args[0]}
			values, err := settings(sets)
			if err != nil {
				return err
			}
			options.Settings = values
			options.Types = types
			sum, err := conformance.Run(cmd.Context(), options, func(r conformance.Result) {
				if asJSON {
					json.NewEncoder(cmd.OutOrStdout()).Encode(r)
				} else {
					fmt.Fprintf(cmd.OutOrStdout(), "%-8s %s", r.Status, r.Name)
					if r.Text != "" {
						fmt.Fprintf(cmd.OutOrStdout(), ": %s", r.Text)
					}
					fmt.Fprintln(cmd.OutOrStdout())
				}
			})
			if err != nil {
				return err
			}
			if !asJSON {
				fmt.Fprintf(cmd.OutOrStdout(), "\n%d passed, %d failed, %d skipped\n", sum.Passed, sum.Failed, sum.Skipped)
			}
			if sum.Failed > 0 {
				return errors.New("the program does not keep the contract: see above")
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&sets, "set", nil, "KEY=VALUE or TYPE.KEY=VALUE: a setting where what the suite chooses does not do, such as a limit on streams")
	cmd.Flags().StringSliceVar(&types, "type", nil, "try these tunnel types only")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON line for each result")
	return cmd
}
