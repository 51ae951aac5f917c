package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/appliance"
	"clove.i2p/cmd/clove/internal/demo"
)

func newDemo() *cobra.Command {
	var cfg demo.Config
	var asJSON bool
	var level string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A private I2P network on this machine, with an eepsite, IRC, an outproxy and both proxies",
		Long: `demo starts a whole I2P network in this process, on loopback and with a network id of its own: no
internet is needed, nothing is kept. It says when all can be used; Ctrl-C ends it. IRC and the outproxy are plugins:
programs beside clove, where make build puts them.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cfg.Routers < demo.MinRouters || cfg.Routers > demo.MaxRouters {
				return errUsage{fmt.Errorf("--routers %d: want %d to %d", cfg.Routers, demo.MinRouters, demo.MaxRouters)}
			}
			if cfg.Length < 1 || cfg.Length > 7 || cfg.Length > cfg.Routers-2 {
				return errUsage{fmt.Errorf("--hops %d: want 1 to %d", cfg.Length, min(7, cfg.Routers-2))}
			}
			log, err := newLogger(level, "text", cmd.ErrOrStderr())
			if err != nil {
				return errUsage{err}
			}
			return demo.Run(cmd.Context(), cfg, log, func(r appliance.Ready) { announce(cmd.OutOrStdout(), r, asJSON) })
		},
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Routers, "routers", 8, "number of routers")
	f.IntVar(&cfg.Length, "hops", 2, "length of the tunnels in each direction")
	f.StringVar(&cfg.HTTP, "http", "127.0.0.1:4444", "address of the HTTP proxy")
	f.StringVar(&cfg.SOCKS, "socks", "127.0.0.1:4447", "address of the SOCKS proxy")
	f.StringVar(&cfg.IRC, "irc", "127.0.0.1:6668", "address of the IRC tunnel")
	f.StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	f.BoolVar(&asJSON, "json", false, "print one JSON line once it is ready")
	return cmd
}

// announce tells that clove is ready.
func announce(w io.Writer, r appliance.Ready, asJSON bool) {
	if asJSON {
		json.NewEncoder(w).Encode(r)
		return
	}
	fmt.Fprintf(w, "clove is ready after %.1f s.\n", r.ReadySeconds)
	if r.HTTPProxy != "" {
		fmt.Fprintf(w, "  HTTP proxy   %s\n", r.HTTPProxy)
	}
	if r.SOCKSProxy != "" {
		fmt.Fprintf(w, "  SOCKS proxy  %s\n", r.SOCKSProxy)
	}
	if r.Control != "" {
		fmt.Fprintf(w, "  control      %s\n", r.Control)
	}
	if r.Eepsite == "" {
		return
	}
	fmt.Fprintf(w, "  eepsite      http://%s/\n", r.Eepsite)
	if r.IRC != "" {
		fmt.Fprintf(w, "  IRC          %s\n", r.IRC)
	}
	if r.Clearnet != "" {
		fmt.Fprintf(w, "  clearnet     %s (a site behind the outproxy; nothing leaves this machine)\n", r.Clearnet)
	}
	for _, m := range r.Missing {
		fmt.Fprintf(w, "  left out     %s\n", m)
	}
	if r.HTTPProxy != "" && r.SOCKSProxy != "" {
		fmt.Fprintf(w, "\nTry:\n  curl -x http://%s http://%s/\n  curl --socks5-hostname %s http://%s/\n", r.HTTPProxy, r.Eepsite, r.SOCKSProxy, r.Eepsite)
	}
	if r.HTTPProxy != "" && r.Clearnet != "" {
		fmt.Fprintf(w, "  curl -x http://%s %s\n", r.HTTPProxy, r.Clearnet)
	}
}

// newLogger writes to w. Unknown levels and formats are errors: a typo must not change what is logged.
func newLogger(level, format string, w io.Writer) (*slog.Logger, error) {
	var l slog.Level
	switch level {
	case "debug", "info", "warn", "error":
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}
