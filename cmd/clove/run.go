package main

import (
	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/appliance"
)

func newRun() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Join the network; proxies as configured",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			log, err := newLogger(cfg.Log.Level, cfg.Log.Format, cmd.ErrOrStderr())
			if err != nil {
				return errUsage{err}
			}
			warn(log, cfg)
			a, err := appliance.New(applianceConfig(cfg), log)
			if err != nil {
				return err
			}
			return a.Run(cmd.Context(), func(r appliance.Ready) { announce(cmd.OutOrStdout(), r, asJSON) })
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON line once it is ready")
	return cmd
}
