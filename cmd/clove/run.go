package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/appliance"
	"clove.i2p/cmd/clove/internal/control"
)

func newRun() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Join the network; proxies, tunnels and plugins as configured",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			own, cfg, err := loadAppliance(cmd)
			if err != nil {
				return err
			}
			log, err := newLogger(cfg.Log.Level, cfg.Log.Format, cmd.ErrOrStderr())
			if err != nil {
				return errUsage{err}
			}
			warn(log, cfg)
			a, err := appliance.New(own, log)
			if err != nil {
				return err
			}
			stop := reloadOnHangup(cmd.Context(), a, log)
			defer stop()
			return a.Run(cmd.Context(), func(r appliance.Ready) { announce(cmd.OutOrStdout(), r, asJSON) })
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON line once it is ready")
	return cmd
}

// reloadOnHangup reads the configuration again at each SIGHUP.
func reloadOnHangup(ctx context.Context, a *appliance.Appliance, log *slog.Logger) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
			}
			plan, err := a.Reload(ctx, control.ReloadRequest{})
			if err != nil {
				log.Error("reload", "error", err)
				continue
			}
			var lines strings.Builder
			printPlan(&lines, plan)
			log.Info("reload", "plan", strings.TrimSpace(lines.String()))
		}
	})
	return func() {
		signal.Stop(hangups)
		cancel()
		wg.Wait()
	}
}
