package interop

import (
	"archive/zip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"clove.i2p/router/i2p"
)

// Wrap makes in dir a program that runs i2pd with more options, and returns its path. Later versions of i2pd start only when they
// know a router: known is what they get, as from a reseed.
func Wrap(dir, program string, known *i2p.RouterInfo, options ...string) (path string, err error) {
	path, seed := filepath.Join(dir, "i2pd"), filepath.Join(dir, "seed.zip")
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\" --reseed.zipfile='%s' %s\n", program, seed, strings.Join(options, " "))
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		return "", fmt.Errorf("interop: wrapper: %w", err)
	}
	f, err := os.Create(seed)
	if err != nil {
		return "", fmt.Errorf("interop: wrapper: %w", err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("routerInfo-" + known.Hash().String() + ".dat")
	if err == nil {
		_, err = w.Write(known.Bytes())
	}
	if err := errors.Join(err, z.Close(), f.Close()); err != nil {
		return "", fmt.Errorf("interop: wrapper: %w", err)
	}
	return path, nil
}
