package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/plugins/host"
)

func newTunnel() *cobra.Command {
	return group("tunnel", "List, add, edit, start, stop and remove tunnels",
		newTunnelList(), newTunnelShow(), newTunnelStore(), newTunnelTypes(), newTunnelAdd(), newTunnelEdit(), newTunnelSwitch("start", "Start a tunnel that was stopped or has failed"),
		newTunnelSwitch("stop", "Let the connections of a tunnel end, and stop it"), newTunnelRemove())
}

func newTunnelList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "The tunnels, what they are doing, and their addresses", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			all, err := c.Tunnels(cmd.Context())
			if err != nil {
				return err
			}
			return show(cmd, asJSON, all, func(w io.Writer) {
				if len(all) == 0 {
					fmt.Fprintln(w, "No tunnels. clove tunnel types tells what there can be; clove tunnel add NAME TYPE adds one.")
					return
				}
				table(w, func(row func(...any)) {
					row("NAME", "TYPE", "STATE", "OPEN", "LOCAL", "ADDRESS")
					for _, t := range all {
						row(t.Name, t.Type, state(t), t.Open, strings.Join(t.Local, " "), t.Address)
					}
				})
				for _, t := range all {
					if t.Error != "" {
						fmt.Fprintf(w, "\n%s: %s\n", t.Name, t.Error)
					}
				}
			})
		},
	}
	addRemoteFlags(cmd, &asJSON)
	return cmd
}

func state(t host.TunnelStatus) string {
	if t.State == host.TunnelRunning && t.Health != "" && t.Health != "healthy" {
		return t.Health
	}
	return string(t.State)
}

func newTunnelShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show NAME", Short: "One tunnel: settings, health and what it counted", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			t, err := c.Tunnel(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(cmd, asJSON, t, func(w io.Writer) { printTunnel(w, t) })
		},
	}
	addRemoteFlags(cmd, &asJSON)
	return cmd
}

func printTunnel(w io.Writer, t host.TunnelStatus) {
	table(w, func(row func(...any)) {
		row("Name", t.Name)
		row("Type", t.Type+", by plugin "+t.Plugin)
		row("State", state(t))
		if t.Error != "" {
			row("Error", t.Error)
		}
		if t.HealthText != "" {
			row("Health", t.HealthText)
		}
		if t.Address != "" {
			row("Address", t.Address)
		}
		for _, l := range t.Local {
			row("Local", l)
		}
		row("Connections", fmt.Sprintf("%d open, %d waiting, %d in all; %s sent, %s received", t.Open, t.Waiting, t.Total, bytes(t.Sent), bytes(t.Received)))
		for _, key := range slices.Sorted(maps.Keys(t.Settings)) {
			row("Setting", fmt.Sprintf("%s = %s", key, value(t.Settings[key])))
		}
		for _, name := range slices.Sorted(maps.Keys(t.Metrics)) {
			row("Counter", fmt.Sprintf("%s = %v   %s", name, t.Metrics[name], t.MetricsHelp[name]))
		}
	})
}

func newTunnelStore() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "store NAME [PREFIX]", Short: "What a tunnel keeps, such as the audit of an exit (audit/)", Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			prefix := ""
			if len(args) == 2 {
				prefix = args[1]
			}
			stored, err := c.TunnelStore(cmd.Context(), args[0], prefix)
			if err != nil {
				return err
			}
			return show(cmd, asJSON, stored, func(w io.Writer) {
				for _, key := range slices.Sorted(maps.Keys(stored)) {
					text := stored[key]
					if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }) {
						text = fmt.Sprintf("%d bytes", len(text))
					}
					fmt.Fprintf(w, "%s:\n%s\n", strconv.QuoteToGraphic(key), strings.TrimRight(text, "\n"))
				}
			})
		},
	}
	addRemoteFlags(cmd, &asJSON)
	return cmd
}

// value writes a setting as JSON does: 2000000000, not 2e+09.
func value(v any) string {
	if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatInt(int64(f), 10)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) { // JSON leaves U+009B, which begins commands to a terminal
			return '?'
		}
		return r
	}, string(b))
}

func newTunnelTypes() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "types [TYPE]", Short: "The tunnel types that the plugins serve; of one, its settings", Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			plugins, err := c.Plugins(cmd.Context())
			if err != nil {
				return err
			}
			types := map[string]host.TypeStatus{}
			for _, p := range plugins {
				for _, t := range p.Types {
					types[t.Name] = t
				}
			}
			if len(args) == 0 {
				return show(cmd, asJSON, types, func(w io.Writer) {
					table(w, func(row func(...any)) {
						row("TYPE", "DESTINATION", "WHAT IT IS")
						for _, name := range slices.Sorted(maps.Keys(types)) {
							row(name, types[name].Destination, types[name].Summary)
						}
					})
				})
			}
			t, ok := types[args[0]]
			if !ok {
				return errUsage{fmt.Errorf("no plugin serves the type %s; there are %s", args[0], strings.Join(slices.Sorted(maps.Keys(types)), ", "))}
			}
			return show(cmd, asJSON, t, func(w io.Writer) { printType(w, t) })
		},
	}
	addRemoteFlags(cmd, &asJSON)
	return cmd
}

func printType(w io.Writer, t host.TypeStatus) {
	fmt.Fprintf(w, "%s: %s\n\n", t.Name, t.Summary)
	table(w, func(row func(...any)) {
		row("SETTING", "TYPE", "DEFAULT", "WHAT IT IS")
		for _, s := range t.Settings {
			def, help := s.Default, s.Help
			if s.Required {
				def = "(required)"
			}
			if len(s.Choices) > 0 {
				help += " (" + strings.Join(s.Choices, ", ") + ")"
			}
			row(s.Key, s.Type, def, help)
		}
	})
	fmt.Fprintln(w, "\nEvery tunnel also has enabled, keys, length, quantity and max_connections.")
}

// settings reads KEY=VALUE arguments. A value is TOML (8080, true, ["a", "b"], "text"), or else text.
func settings(args []string) (map[string]any, error) {
	out := map[string]any{}
	for _, arg := range args {
		key, text, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, errUsage{fmt.Errorf("%q: want KEY=VALUE", arg)}
		}
		var doc struct{ V any }
		if err := toml.Unmarshal([]byte("V = "+text), &doc); err == nil && doc.V != nil {
			out[key] = doc.V
		} else {
			out[key] = text
		}
	}
	return out, nil
}

func newTunnelAdd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "add NAME TYPE [KEY=VALUE...]",
		Short: "Add a tunnel and start it; prints its address",
		Long: `add makes a tunnel and starts it. clove tunnel types TYPE lists its settings. A value is TOML (8080, true,
["a", "b"]) or plain text. The tunnel is kept in managed.toml in the data directory.`,
		Example: "  clove tunnel add irc irc-client destination='[\"irc.postman.i2p\"]'\n  clove tunnel add web http-server target=http://127.0.0.1:8080",
		Args:    usageArgs(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := settings(args[2:])
			if err != nil {
				return err
			}
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			t, err := c.AddTunnel(cmd.Context(), control.TunnelRequest{Name: args[0], Type: args[1], Settings: values})
			if err != nil {
				return err
			}
			return show(cmd, asJSON, t, func(w io.Writer) {
				for _, line := range append([]string{t.Address}, t.Local...) {
					if line != "" {
						fmt.Fprintln(w, line)
					}
				}
			})
		},
	}
	addRemoteFlags(cmd, &asJSON)
	return cmd
}

func newTunnelEdit() *cobra.Command {
	var asJSON bool
	var unset []string
	cmd := &cobra.Command{
		Use: "edit NAME [KEY=VALUE...]", Short: "Change settings of a tunnel; tells what that drops",
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := settings(args[1:])
			if err != nil {
				return err
			}
			if len(values)+len(unset) == 0 {
				return errUsage{fmt.Errorf("nothing to change: want KEY=VALUE or --unset KEY")}
			}
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			e, err := c.EditTunnel(cmd.Context(), control.TunnelRequest{Name: args[0], Settings: values, Unset: unset})
			if err != nil {
				return err
			}
			return show(cmd, asJSON, e, func(w io.Writer) { printTunnelPlan(w, e.Plan) })
		},
	}
	addRemoteFlags(cmd, &asJSON)
	cmd.Flags().StringArrayVar(&unset, "unset", nil, "KEY: give a setting its default again")
	return cmd
}

func newTunnelSwitch(action, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use: action + " NAME", Short: short, Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			return c.SwitchTunnel(cmd.Context(), args[0], action)
		},
	}
	addRemoteFlags(cmd, nil)
	return cmd
}

func newTunnelRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Stop a tunnel and forget it; its keys stay in the data directory", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			return c.RemoveTunnel(cmd.Context(), args[0])
		},
	}
	addRemoteFlags(cmd, nil)
	return cmd
}

// printTunnelPlan tells what a change does, or did, to plugins and tunnels.
func printTunnelPlan(w io.Writer, p host.Plan) {
	if p.Empty() && len(p.Problems) == 0 {
		fmt.Fprintln(w, "Nothing changes.")
		return
	}
	each := func(what string, names []string) {
		for _, name := range names {
			fmt.Fprintf(w, "%s %s\n", what, name)
		}
	}
	drops := func(what string, all []host.Drop) {
		for _, d := range all {
			fmt.Fprintf(w, "%s %s: %d open connections end", what, d.Tunnel, d.Connections)
			if d.Why != "" {
				fmt.Fprintf(w, " (%s)", d.Why)
			}
			fmt.Fprintln(w)
		}
	}
	each("plugin added   ", p.PluginsAdded)
	each("plugin removed ", p.PluginsRemoved)
	each("plugin changed ", p.PluginsChanged)
	each("tunnel added   ", p.Added)
	each("tunnel changed in place, nothing drops:", p.Reloaded)
	drops("tunnel restarted", p.Restarted)
	drops("tunnel removed ", p.Removed)
	each("problem:", p.Problems)
}
