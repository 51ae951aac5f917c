package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/plugins/host"
)

func newPlugin() *cobra.Command {
	return group("plugin", "List, add, attach, detach, upgrade, restart and write plugins",
		newPluginList(), newPluginAdd(),
		newPluginAction("attach", "Start a plugin, with its tunnels"),
		newPluginAction("detach", "Let the connections of a plugin's tunnels end, and stop it"),
		newPluginUpgrade(), newPluginAction("restart", "Start a plugin's process anew; its connections end"),
		newPluginRemove(), newPluginLogs(), newPluginNew(), newPluginConformance())
}

func newPluginList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "The plugins: what they are, what they may do, and what was denied to them", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			all, err := c.Plugins(cmd.Context())
			if err != nil {
				return err
			}
			return show(cmd, asJSON, all, func(w io.Writer) { printPlugins(w, all) })
		},
	}
	addRemoteFlags(cmd, &asJSON)
	return cmd
}

func printPlugins(w io.Writer, all []host.PluginStatus) {
	if len(all) == 0 {
		fmt.Fprintln(w, "No plugins. They belong beside clove (make build puts them there); clove plugin add PATH registers others.")
		return
	}
	table(w, func(row func(...any)) {
		row("NAME", "VERSION", "STATE", "PID", "MEMORY", "RESTARTS", "PERMISSIONS", "DENIED")
		for _, p := range all {
			pid := "-"
			if p.PID != 0 {
				pid = fmt.Sprint(p.PID)
			}
			row(p.Name, p.Version, p.State, pid, bytes(uint64(max(p.Memory, 0))), p.Restarts, permissions(p), denials(p.Denials))
		}
	})
	for _, p := range all {
		if p.Error != "" {
			fmt.Fprintf(w, "\n%s: %s\n", p.Name, p.Error)
		}
		if p.PID != 0 && !p.Sandbox.Full() {
			fmt.Fprintf(w, "\n%s is not fully confined: %s\n", p.Name, strings.Join(p.Sandbox.Missing, "; "))
		}
	}
}

// permissions lists what a plugin may do, and in brackets what it asked for in vain.
func permissions(p host.PluginStatus) string {
	out := slices.Clone(p.Granted)
	for _, name := range p.Asked {
		if !slices.Contains(p.Granted, name) {
			out = append(out, "("+name+")")
		}
	}
	return strings.Join(out, " ")
}

func denials(d map[string]uint64) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(d)) {
		out = append(out, fmt.Sprintf("%s:%d", name, d[name]))
	}
	return strings.Join(out, " ")
}

// programFlags are those of commands that name a plugin's program.
type programFlags struct {
	grant  []string
	sha256 string
	memory int64
	files  int
}

func (f *programFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.grant, "grant", nil, "permissions, separated by commas: dial-i2p, listen-i2p, dial-local, listen-local, dial-clearnet, read-files; or all")
	cmd.Flags().StringVar(&f.sha256, "sha256", "", "checksum that the program has to have; otherwise that of the file as it is now")
	cmd.Flags().Int64Var(&f.memory, "memory", 0, "bytes of memory (default: the host's)")
	cmd.Flags().IntVar(&f.files, "files", 0, "open files (default: the host's)")
}

// request names a program by its absolute path and checksum.
func (f *programFlags) request(name, path string) (control.PluginRequest, error) {
	r := control.PluginRequest{Name: name, Grant: f.grant, Memory: f.memory, Files: f.files, SHA256: f.sha256}
	abs, err := filepath.Abs(path)
	if err != nil {
		return r, err
	}
	r.Path = abs
	if r.SHA256 == "" {
		if r.SHA256, err = checksum(abs); err != nil {
			return r, errUsage{err}
		}
	}
	return r, nil
}

func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func newPluginAdd() *cobra.Command {
	var asJSON bool
	var name string
	var flags programFlags
	cmd := &cobra.Command{
		Use:   "add PATH --grant PERMISSIONS",
		Short: "Register a plugin's program, with what it may do, and start it",
		Long: `add registers a program: clove starts it from now on, as long as it has this checksum. Without --grant it shows what
the program is and what it asks for, and registers nothing.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" {
				name = strings.TrimPrefix(filepath.Base(args[0]), "clove-plugin-")
			}
			r, err := flags.request(name, args[0])
			if err != nil {
				return err
			}
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			seen, err := c.InspectPlugin(cmd.Context(), r)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("grant") {
				return show(cmd, asJSON, seen, func(w io.Writer) {
					fmt.Fprintf(w, "%s %s: %s\nchecksum %s\n", seen.Name, seen.Version, seen.Summary, seen.SHA256)
					for _, t := range seen.Types {
						fmt.Fprintf(w, "  tunnel type %s: %s\n", t.Name, t.Summary)
					}
					fmt.Fprintf(w, "It asks for: %s\n\nNothing is registered yet. To do so:\n  clove plugin add %s --grant %s\n",
						strings.Join(seen.Asked, ", "), args[0], strings.Join(seen.Asked, ","))
				})
			}
			if slices.Equal(r.Grant, []string{"all"}) {
				r.Grant = seen.Asked
			}
			p, err := c.AddPlugin(cmd.Context(), r)
			if err != nil {
				return err
			}
			return show(cmd, asJSON, p, func(w io.Writer) { printPlugins(w, []host.PluginStatus{p}) })
		},
	}
	addRemoteFlags(cmd, &asJSON)
	flags.add(cmd)
	cmd.Flags().StringVar(&name, "name", "", "name of the plugin (default: from the file's name)")
	return cmd
}

func newPluginUpgrade() *cobra.Command {
	var asJSON bool
	var flags programFlags
	cmd := &cobra.Command{
		Use:   "upgrade NAME [PATH]",
		Short: "Replace a plugin's program, or change what it may do; its tunnels go on",
		Long: `upgrade starts the new program beside the old one, which keeps the connections that it has until they end. If the new one
fails, the old one stays. Without PATH it takes the file that is registered, as it is now.`,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			path := ""
			if len(args) == 2 {
				path = args[1]
			} else if path, err = registered(cmd.Context(), c, args[0]); err != nil {
				return err
			}
			r, err := flags.request(args[0], path)
			if err != nil {
				return err
			}
			p, err := c.UpgradePlugin(cmd.Context(), r)
			if err != nil {
				return err
			}
			return show(cmd, asJSON, p, func(w io.Writer) { printPlugins(w, []host.PluginStatus{p}) })
		},
	}
	addRemoteFlags(cmd, &asJSON)
	flags.add(cmd)
	return cmd
}

// registered is the path of a plugin that clove knows.
func registered(ctx context.Context, c *control.Client, name string) (string, error) {
	all, err := c.Plugins(ctx)
	if err != nil {
		return "", err
	}
	for _, p := range all {
		if p.Name == name {
			return p.Path, nil
		}
	}
	return "", fmt.Errorf("there is no plugin %s; clove plugin add PATH registers one", name)
}

func newPluginAction(action, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use: action + " NAME", Short: short, Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			return c.Plugin(cmd.Context(), args[0], action)
		},
	}
	addRemoteFlags(cmd, nil)
	return cmd
}

func newPluginRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Stop a plugin and forget it", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			return c.RemovePlugin(cmd.Context(), args[0])
		},
	}
	addRemoteFlags(cmd, nil)
	return cmd
}

func newPluginLogs() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "logs NAME", Short: "The last lines that a plugin wrote", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			lines, err := c.PluginLogs(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, asJSON, lines, func(w io.Writer) {
				for _, l := range lines {
					fmt.Fprintf(w, "%s %s %s\n", l.Time.Format(time.DateTime), l.Stream, l.Text)
				}
			})
		},
	}
	addRemoteFlags(cmd, &asJSON)
	return cmd
}
