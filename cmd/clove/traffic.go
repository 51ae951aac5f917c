package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/appliance"
	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/proxies"
)

func newConnections() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "connections", Short: "The open connections of proxies and tunnels", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			all, err := c.Connections(cmd.Context())
			if err != nil {
				return err
			}
			return show(cmd, asJSON, all, func(w io.Writer) {
				table(w, func(row func(...any)) {
					row("ID", "OF", "KIND", "DIRECTION", "STATE", "AGE", "SENT", "RECEIVED", "PEER")
					for _, c := range all {
						row(c.ID, c.Owner, c.Kind, c.Direction, c.State, time.Since(c.Opened).Round(time.Second), bytes(c.Sent), bytes(c.Received), c.Peer)
					}
				})
			})
		},
	}
	kill := &cobra.Command{
		Use: "kill ID...", Short: "End connections", Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			var errs []error
			for _, id := range args {
				errs = append(errs, c.KillConnection(cmd.Context(), id))
			}
			return errors.Join(errs...)
		},
	}
	addRemoteFlags(kill, nil)
	addRemoteFlags(cmd, &asJSON)
	cmd.AddCommand(kill)
	return cmd
}

func newRules() *cobra.Command {
	var asJSON bool
	var listener, user, method string
	explain := &cobra.Command{
		Use:   "explain URL",
		Short: "What happens to a request, and by which rule",
		Long: `explain tells where a request for URL (http://..., https://... or host:port) would go and why: by the rules of the clove that
is running, or else by those of the configuration file.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			e, err := c.Explain(cmd.Context(), args[0], listener, user, method)
			if errors.Is(err, control.ErrNotRunning) {
				e, err = explainFile(cmd, args[0], listener, user, method)
			}
			if err != nil {
				return err
			}
			return show(cmd, asJSON, e, func(w io.Writer) { printExplanation(w, e) })
		},
	}
	addRemoteFlags(explain, &asJSON)
	explain.Flags().StringVar(&listener, "listener", "", "as if it came to this proxy: http or socks")
	explain.Flags().StringVar(&user, "user", "", "as if this user asked")
	explain.Flags().StringVar(&method, "method", "", "as if it were this method (default: GET, or CONNECT for https)")
	return group("rules", "Explain where requests go", explain)
}

// explainFile decides by the rules of the configuration file.
func explainFile(cmd *cobra.Command, url, listener, user, method string) (e proxies.Explanation, err error) {
	cfg, err := loadConfig(cmd)
	if err != nil {
		return e, err
	}
	rules, err := proxies.NewRules(appliance.ProxyRules(cfg.Config))
	if err != nil {
		return e, errUsage{err}
	}
	e, err = proxies.NewPolicy(rules).Explain(url, listener, user, method)
	if err != nil {
		return e, errUsage{err}
	}
	return e, nil
}

func printExplanation(w io.Writer, e proxies.Explanation) {
	what := string(e.Action)
	if e.Via != "" {
		what += " through " + e.Via
	}
	fmt.Fprintf(w, "%s: %s (rule: %s)\n%s\n", e.URL, what, e.Rule, e.Why)
	for _, s := range e.Steps {
		mark := " "
		if s.Matched {
			mark = "*"
		}
		fmt.Fprintf(w, "%s %d %s: %s\n", mark, s.Number, s.Name, s.Why)
	}
	if e.Remedy != "" {
		fmt.Fprintf(w, "\n%s\n", e.Remedy)
	}
}

func newAudit() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "audit", Short: "What was decided about traffic to the clearnet: counts, no names", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			a, err := c.Audit(cmd.Context())
			if err != nil {
				return err
			}
			return show(cmd, asJSON, a, func(w io.Writer) {
				fmt.Fprintf(w, "Since %s: %d allowed, %d blocked\n", a.Since.Format(time.DateTime), a.Allowed, a.Blocked)
				if len(a.Entries) == 0 {
					return
				}
				table(w, func(row func(...any)) {
					row("COUNT", "LISTENER", "RULE", "ACTION", "VIA", "LAST", "REASON")
					for _, e := range a.Entries {
						row(e.Count, e.Listener, e.Rule, e.Action, e.Via, e.Last.Format(time.DateTime), e.Reason)
					}
				})
			})
		},
	}
	addRemoteFlags(cmd, &asJSON)
	return cmd
}

func newReload() *cobra.Command {
	var asJSON, dry bool
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have a running clove read its configuration again; tells what changes and what drops",
		Long: `reload has a running clove read its configuration again and apply what changed, and nothing else. A configuration that is not
right changes nothing. SIGHUP does the same.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			p, err := c.Reload(cmd.Context(), control.ReloadRequest{DryRun: dry})
			if err != nil {
				return err
			}
			return show(cmd, asJSON, p, func(w io.Writer) { printPlan(w, p) })
		},
	}
	addRemoteFlags(cmd, &asJSON)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only tell what would happen")
	return cmd
}

func printPlan(w io.Writer, p control.Plan) {
	if p.Empty() {
		fmt.Fprintln(w, "Nothing changes.")
		return
	}
	if !p.Applied {
		fmt.Fprintln(w, "This would happen:")
	}
	for _, line := range p.Proxies {
		fmt.Fprintln(w, line)
	}
	if !p.Tunnels.Empty() || len(p.Tunnels.Problems) > 0 {
		printTunnelPlan(w, p.Tunnels)
	}
	for _, key := range p.Restart {
		fmt.Fprintf(w, "%s: takes effect when clove is started again\n", key)
	}
}
