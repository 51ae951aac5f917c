//go:build linux

package interop

import (
	"archive/zip"
	"fmt"
	"os"

	"clove.i2p/router/i2p"
)

// WriteSeed packs router.info files into a reseed file: a zip of routerInfo-HASH.dat.
func WriteSeed(path string, infos []string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("interop: seed: %w", err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for _, info := range infos {
		b, err := os.ReadFile(info)
		if err != nil {
			return fmt.Errorf("interop: seed: %w", err)
		}
		ri, _, err := i2p.ParseRouterInfo(b)
		if err != nil {
			return fmt.Errorf("interop: seed: %s: %w", info, err)
		}
		w, err := z.Create("routerInfo-" + ri.Hash().String() + ".dat")
		if err != nil {
			return fmt.Errorf("interop: seed: %w", err)
		}
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("interop: seed: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("interop: seed: %w", err)
	}
	return nil
}
