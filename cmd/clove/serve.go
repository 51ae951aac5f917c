package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/appliance"
	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/cmd/clove/internal/site"
)

func newServe() *cobra.Command {
	var asJSON bool
	var keyFile string
	cmd := &cobra.Command{
		Use:   "serve DIR|URL",
		Short: "Host a folder or a local web server as an eepsite",
		Long: `serve hosts a folder, or a web server on this machine (http://127.0.0.1:8080), as an eepsite, prints its
address, and goes on until it is interrupted. It uses the clove that is running with this data directory, or else a
router of its own. The same folder or server keeps its address.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			own, cfg, err := loadAppliance(cmd)
			if err != nil {
				return err
			}
			request := control.ServeRequest{Target: args[0]}
			if !strings.Contains(args[0], "://") {
				if request.Target, err = filepath.Abs(args[0]); err != nil {
					return err
				}
			}
			if keyFile != "" {
				if request.KeyFile, err = filepath.Abs(keyFile); err != nil {
					return err
				}
			}
			if _, err := site.New(request.Target); err != nil {
				return errUsage{err} // here, where a relative name means what the user sees
			}
			progress := siteProgress(cmd.OutOrStdout(), asJSON)
			path := appliance.ControlPath(cfg.DataDir)
			err = control.NewClient(path).Serve(cmd.Context(), request, progress)
			if !errors.Is(err, control.ErrNotRunning) {
				return err
			}
			log, err := newLogger(cfg.Log.Level, cfg.Log.Format, cmd.ErrOrStderr())
			if err != nil {
				return errUsage{err}
			}
			warn(log, cfg)
			own.Proxies.HTTP, own.Proxies.SOCKS, own.State = "", "", "" // it hosts, and does nothing else
			a, err := appliance.New(own, log)
			if err != nil {
				return err
			}
			return serveAlone(cmd.Context(), a, request, progress)
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().StringVar(&keyFile, "keys", "", "key file of the destination; made if it is not there")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON line once the eepsite can be reached")
	return cmd
}

// serveAlone hosts the eepsite in a router of its own.
func serveAlone(ctx context.Context, a *appliance.Appliance, r control.ServeRequest, progress func(control.ServeProgress)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		if err := a.Run(ctx, nil); err != nil {
			cancel(err)
		}
	})
	if err := a.Router().WaitRunning(ctx); err == nil {
		if err := a.Serve(ctx, r, progress); err != nil {
			cancel(err)
			return err
		}
	}
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// siteProgress prints the address at once, or with JSON one line when the eepsite can be reached.
func siteProgress(w io.Writer, asJSON bool) func(control.ServeProgress) {
	return func(p control.ServeProgress) {
		switch {
		case asJSON && p.Ready:
			json.NewEncoder(w).Encode(p)
		case asJSON:
		case p.Ready:
			fmt.Fprintln(w, "It can be reached now. Ctrl-C ends it.")
		default:
			fmt.Fprintf(w, "http://%s/\n", p.Eepsite)
		}
	}
}
