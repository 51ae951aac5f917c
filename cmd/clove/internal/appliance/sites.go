package appliance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/cmd/clove/internal/site"
	"clove.i2p/router"
)

// Serve hosts a folder or a local web server as an eepsite until ctx ends. Each target keeps the address that it got
// first: its key file is in the data directory, named after the target.
func (a *Appliance) Serve(ctx context.Context, r control.ServeRequest, progress func(control.ServeProgress)) error {
	h, err := site.New(r.Target)
	if err != nil {
		return err
	}
	if r.KeyFile == "" && a.cfg.Router.DataDir != "" {
		r.KeyFile = filepath.Join(a.cfg.Router.DataDir, "destinations", keyName(r.Target))
		if err := os.MkdirAll(filepath.Dir(r.KeyFile), 0o700); err != nil {
			return fmt.Errorf("serve %s: %w", r.Target, err)
		}
		if err := os.MkdirAll(filepath.Dir(r.KeyFile), 0o700); err != nil {
			return fmt.Errorf("serve: %w", err)
		}
	}
	d, err := a.router.Open(router.DestinationConfig{KeyFile: r.KeyFile, Tunnels: a.cfg.Tunnels})
	switch {
	case errors.Is(err, router.ErrInUse):
		return fmt.Errorf("serve %s: this address is served already; end that first, or name another key file with --keys", r.Target)
	case err != nil:
		return fmt.Errorf("serve %s: %w", r.Target, err)
	}
	defer d.Close()
	progress(control.ServeProgress{Eepsite: d.Base32()})
	l, err := d.Listen(0)
	if err != nil {
		return fmt.Errorf("serve %s: %w", r.Target, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- site.Serve(l, h) }()
	if err := d.Reachable(ctx); err == nil {
		progress(control.ServeProgress{Eepsite: d.Base32(), Ready: true})
	}
	select {
	case <-ctx.Done():
		l.Close()
		return <-ended
	case err := <-ended:
		return err
	}
}

func keyName(target string) string {
	sum := sha256.Sum256([]byte(target))
	return "site-" + hex.EncodeToString(sum[:8]) + ".dat"
}
