package netdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"clove.i2p/router/i2p"
)

// A disk keeps RouterInfos in a bbolt file: bucket "routers", the router's hash -> CRC-32C 4 | RouterInfo. They were
// verified before they were written; the checksum finds what the file system lost since.
type disk struct {
	path string
	bolt *bolt.DB
}

var (
	routersBucket = []byte("routers")
	castagnoli    = crc32.MakeTable(crc32.Castagnoli)
)

// openDisk opens or creates the file and yields every RouterInfo in it. A file that is damaged is left as it is, and the
// error, ErrDamaged, names it; single records that are damaged are skipped and counted.
func openDisk(path string, yield func(*i2p.RouterInfo)) (d *disk, skipped int, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, 0, fmt.Errorf("netdb: %w", err)
	}
	// bbolt maps the file. A page that is not there faults and a damaged one can make it panic: both are turned
	// into errors here, where nothing has been written yet.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var db *bolt.DB
	var file *os.File // holds the lock
	defer func() {
		if r := recover(); r != nil {
			if db != nil {
				db.Close()
			} else if file != nil {
				unlock(file)
				file.Close()
			}
			d, err = nil, damaged(path, fmt.Errorf("%v", r))
		}
	}()
	if err := checkSize(path); err != nil {
		return nil, 0, damaged(path, err)
	}
	db, err = bolt.Open(path, 0o600, &bolt.Options{
		Timeout: openTimeout, FreelistType: bolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, 0, fmt.Errorf("netdb: %s is in use by another process: stop it, or set another data_dir", path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, 0, damaged(path, err)
	case err != nil:
		return nil, 0, fmt.Errorf("netdb: open %s: %w", path, err)
	}
	err = db.View(func(tx *bolt.Tx) error {
		if info, err := os.Stat(path); err != nil || info.Size() < tx.Size() {
			return fmt.Errorf("%w: shorter than its own index says", bolterrors.ErrInvalid)
		}
		b := tx.Bucket(routersBucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			if ri := decodeRecord(k, v); ri != nil {
				yield(ri)
			} else {
				skipped++
			}
			return nil
		})
	})
	if err != nil {
		db.Close()
		return nil, 0, damaged(path, err)
	}
	return &disk{path: path, bolt: db}, skipped, nil
}

func damaged(path string, err error) error {
	return fmt.Errorf("%w: %s: %w; move the file away: it holds addresses of other routers and nothing of yours, and a new one is made from a reseed", ErrDamaged, path, err)
}

// checkSize refuses what is too short to be a database. An empty file is what a crash leaves that came right after the
// file was created: it is taken as new.
func checkSize(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if n := info.Size(); n > 0 && n < minDiskPages*int64(os.Getpagesize()) {
		return fmt.Errorf("only %d bytes long", n)
	}
	return nil
}

func decodeRecord(key, value []byte) *i2p.RouterInfo {
	if len(key) != i2p.HashLen || len(value) < 4 {
		return nil
	}
	if crc32.Checksum(value[4:], castagnoli) != binary.BigEndian.Uint32(value) {
		return nil
	}
	ri, rest, err := i2p.ParseRouterInfo(value[4:])
	if err != nil || len(rest) != 0 || !bytes.Equal(key, hashBytes(ri)) {
		return nil
	}
	return ri
}

func hashBytes(ri *i2p.RouterInfo) []byte {
	h := ri.Hash()
	return h[:]
}

// write stores or, where the RouterInfo is nil, deletes, all or nothing. Damage that was not met when the file was opened
// is an error here: the router goes on without writing.
func (d *disk) write(changes map[i2p.Hash]*i2p.RouterInfo) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = damaged(d.path, fmt.Errorf("%v", r))
		}
	}()
	err = d.bolt.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(routersBucket)
		if err != nil {
			return err
		}
		for h, ri := range changes {
			if ri == nil {
				if err := b.Delete(h[:]); err != nil {
					return err
				}
				continue
			}
			v := binary.BigEndian.AppendUint32(nil, crc32.Checksum(ri.Bytes(), castagnoli))
			if err := b.Put(h[:], append(v, ri.Bytes()...)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("netdb: write %s: %w", d.path, err)
	}
	return nil
}

func (d *disk) close() error { return d.bolt.Close() }
