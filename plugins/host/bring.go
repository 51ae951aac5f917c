package host

import (
	"context"
	"fmt"
	"slices"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/sandbox"
)

// bring starts a process with the permissions that it has, and asks what it is. known is what an earlier one said.
func (h *Host) bring(ctx context.Context, name string, cfg PluginConfig, known *description, book *logbook) (*process, *description, error) {
	for range 2 {
		b, bundled, err := h.open(name, cfg, false)
		if err != nil {
			return nil, nil, err
		}
		sum := b.SHA256
		_ = b.Close()
		if bundled && cfg.Permissions == nil && (known == nil || known.sha256 != sum) {
			// What it is granted depends on what it asks for.
			if known, err = h.ask(ctx, launchSpec{name: name, cfg: cfg, book: book}); err != nil {
				return nil, nil, err
			}
		}
		var asked []pb.Permission
		if known != nil {
			asked = known.asked
		}
		granted, err := grant(name, cfg, bundled, asked)
		if err != nil {
			return nil, nil, err
		}
		proc, err := h.launch(ctx, launchSpec{name: name, cfg: cfg, granted: granted, book: book})
		if err != nil {
			return nil, nil, err
		}
		d, err := proc.describe(ctx)
		if err != nil {
			proc.end()
			return nil, nil, err
		}
		if known == nil || cfg.Permissions != nil || slices.Equal(d.asked, known.asked) {
			return proc, d, nil
		}
		proc.end() // the file was replaced between
		known = d
	}
	return nil, nil, fmt.Errorf("plugin %s: %w", name, sandbox.ErrChanged)
}

// ask starts a process that is given nothing, asks what it is, and ends it.
func (h *Host) ask(ctx context.Context, s launchSpec) (*description, error) {
	proc, err := h.launch(ctx, s)
	if err != nil {
		return nil, err
	}
	defer proc.end()
	return proc.describe(ctx)
}
