package i2p

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"clove.i2p/router/crypto/keys"
)

// ErrKeyFile is wrapped by the errors of a key file that is there and cannot be used.
var ErrKeyFile = errors.New("damaged key file")

// LoadDestinationKeys reads a private key file. No file is fs.ErrNotExist, one that does not parse is ErrKeyFile.
func LoadDestinationKeys(path string) (*DestinationKeys, error) {
	return loadKeys(path, ParseDestinationKeys)
}

// SaveDestinationKeys writes a new private key file, mode 0600. It never replaces one: fs.ErrExist.
func SaveDestinationKeys(path string, k *DestinationKeys) error { return saveKeys(path, k.Append(nil)) }

// LoadOrCreateDestinationKeys reads the file, or makes keys of type t and the file if there is none. A file that is
// damaged stays as it is, and is an error.
func LoadOrCreateDestinationKeys(path string, t keys.SigType) (*DestinationKeys, error) {
	return loadOrCreate(path, ParseDestinationKeys, func() (*DestinationKeys, error) { return NewDestinationKeys(t) })
}

// LoadRouterKeys is LoadDestinationKeys for a router.keys file.
func LoadRouterKeys(path string) (*RouterKeys, error) { return loadKeys(path, ParseRouterKeys) }

// SaveRouterKeys is SaveDestinationKeys for a router.keys file.
func SaveRouterKeys(path string, k *RouterKeys) error { return saveKeys(path, k.Append(nil)) }

// LoadOrCreateRouterKeys is LoadOrCreateDestinationKeys for a router.keys file.
func LoadOrCreateRouterKeys(path string) (*RouterKeys, error) {
	return loadOrCreate(path, ParseRouterKeys, NewRouterKeys)
}

type appender interface{ Append([]byte) []byte }

func loadOrCreate[K appender](path string, parse func([]byte) (K, []byte, error), create func() (K, error)) (k K, err error) {
	k, err = loadKeys(path, parse)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = create(); err != nil {
		return k, err
	}
	return k, saveKeys(path, k.Append(nil))
}

func loadKeys[K any](path string, parse func([]byte) (K, []byte, error)) (k K, err error) {
	f, err := os.Open(path)
	if err != nil {
		return k, fmt.Errorf("i2p: read key file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFileLen+1))
	if err != nil {
		return k, fmt.Errorf("i2p: read key file: %w", err)
	}
	defer clear(b)
	k, rest, err := parse(b)
	switch {
	case len(b) > maxKeyFileLen:
		err = ErrTooLarge
	case err == nil && len(rest) != 0:
		err = fmt.Errorf("%w: %d bytes too many", ErrMalformed, len(rest))
	}
	if err != nil {
		var none K
		return none, fmt.Errorf("%w %s (%w): it is left as it is; put a good copy in its place, or move it away to have "+
			"new keys, and a new address, made", ErrKeyFile, path, err)
	}
	return k, nil
}

// saveKeys writes a file that is either whole or not there: temporary file, fsync, rename.
func saveKeys(path string, b []byte) (err error) {
	defer clear(b)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("i2p: write key file %s: %w: move it away first", path, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("i2p: write key file: %w", err)
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("i2p: write key file: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("i2p: write key file %s: %w", path, err)
		}
	}()
	if _, err = f.Write(b); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	syncDir(dir)
	return nil
}

// syncDir makes the rename last; where the system cannot do that there is nothing to be done.
func syncDir(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	d.Sync()
}
