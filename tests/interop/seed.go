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
		ri, err := ReadRouterInfo(info)
		if err != nil {
			return err
		}
		w, err := z.Create("routerInfo-" + ri.Hash().String() + ".dat")
		if err != nil {
			return fmt.Errorf("interop: seed: %w", err)
		}
		if _, err := w.Write(ri.Bytes()); err != nil {
			return fmt.Errorf("interop: seed: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("interop: seed: %w", err)
	}
	return nil
}

// ReadRouterInfo reads a router.info file.
func ReadRouterInfo(file string) (*i2p.RouterInfo, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("interop: %w", err)
	}
	ri, _, err := i2p.ParseRouterInfo(b)
	if err != nil {
		return nil, fmt.Errorf("interop: %s: %w", file, err)
	}
	return ri, nil
}
