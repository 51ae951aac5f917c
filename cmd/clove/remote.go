package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/appliance"
	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/config"
)

// addRemoteFlags gives a command that speaks to a running clove the flags that find it.
func addRemoteFlags(cmd *cobra.Command, asJSON *bool) {
	addConfigFlags(cmd)
	cmd.Flags().String("control", "", "control socket, instead of that of the data directory")
	if asJSON != nil {
		cmd.Flags().BoolVar(asJSON, "json", false, "print JSON")
	}
}

// remote is the clove that a command speaks to.
func remote(cmd *cobra.Command) (*control.Client, error) {
	socket, _ := cmd.Flags().GetString("control")
	if socket == "" {
		cfg, err := loadConfig(cmd)
		if err == nil {
			socket = appliance.ControlPath(cfg.DataDir)
		} else if socket = runningBeside(cmd); socket == "" {
			return nil, err
		}
	}
	return control.NewClient(socket), nil
}

// runningBeside is the control socket of the clove that runs with a configuration which is not right any more: what it does can be
// seen, and changed, all the same.
func runningBeside(cmd *cobra.Command) string {
	s, err := sources(cmd)
	if err != nil {
		return ""
	}
	dir, err := config.DataDir(s)
	if err != nil {
		return ""
	}
	socket := appliance.ControlPath(dir)
	if _, err := os.Stat(socket); err != nil {
		return ""
	}
	return socket
}

// group is a command that has only subcommands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}

// show prints a result as JSON, or for people.
func show(cmd *cobra.Command, asJSON bool, result any, people func(w io.Writer)) error {
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(result)
	}
	people(cmd.OutOrStdout())
	return nil
}

// table prints rows in columns.
func table(w io.Writer, rows func(row func(cells ...any))) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	rows(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, c)
		}
		fmt.Fprintln(t)
	})
	t.Flush()
}

// bytes writes a number of bytes as people read it.
func bytes(n uint64) string {
	switch {
	case n >= 10e9:
		return fmt.Sprintf("%.0f GB", float64(n)/1e9)
	case n >= 10e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	case n >= 10e3:
		return fmt.Sprintf("%.0f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
