package netdb

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"clove.i2p/router/i2p"
)

// ImportFile adds the RouterInfos of a router.info, of a folder of them (the netDb folder of another router, with its
// subfolders) or of a .zip, and returns how many are new. Entries that are invalid are skipped; if none is valid
// that is an error which names the first reason. An .su3 is for package reseed, which knows who may sign it.
func (db *DB) ImportFile(name string) (int, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, fmt.Errorf("netdb: import: %w", err)
	}
	i := importer{db: db}
	switch {
	case info.IsDir():
		err = i.folder(os.DirFS(name))
	case strings.EqualFold(filepath.Ext(name), ".zip"):
		err = i.archive(name)
	case strings.EqualFold(filepath.Ext(name), ".su3"):
		return 0, fmt.Errorf("netdb: import %s: a signed .su3 has to be given to reseed.files", name)
	default:
		err = i.file(func() (io.ReadCloser, error) { return os.Open(name) })
	}
	if err == nil && i.valid == 0 {
		if err = i.first; err == nil {
			err = errors.New("no RouterInfo in it")
		}
	}
	if err != nil {
		return i.news, fmt.Errorf("netdb: import %s: %w", name, err)
	}
	return i.news, nil
}

// ImportZip adds the RouterInfos of a .zip that is in memory, such as the content of an .su3.
func (db *DB) ImportZip(r io.ReaderAt, size int64) (int, error) {
	i := importer{db: db}
	z, err := zip.NewReader(r, size)
	if err == nil {
		err = i.folder(z)
	}
	if err == nil && i.valid == 0 {
		if err = i.first; err == nil {
			err = errors.New("no RouterInfo in it")
		}
	}
	if err != nil {
		return i.news, fmt.Errorf("netdb: import: %w", err)
	}
	return i.news, nil
}

type importer struct {
	db          *DB
	files       int
	size        int64
	valid, news int
	first       error // why an entry was skipped
}

func (i *importer) archive(name string) error {
	z, err := zip.OpenReader(name)
	if err != nil {
		return err
	}
	defer z.Close()
	return i.folder(z)
}

// folder reads routerInfo-*.dat and router.info at any depth.
func (i *importer) folder(f fs.FS) error {
	return fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		base := path.Base(p)
		if base != "router.info" && !(strings.HasPrefix(base, "routerInfo-") && strings.HasSuffix(base, ".dat")) {
			return nil
		}
		if i.files++; i.files > maxImportFiles {
			return fmt.Errorf("more than %d files", maxImportFiles)
		}
		return i.file(func() (io.ReadCloser, error) { return f.Open(p) })
	})
}

// file reads one RouterInfo, whatever the file claims to be in size.
func (i *importer) file(open func() (io.ReadCloser, error)) error {
	f, err := open()
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, i2p.MaxRouterInfoLen+1))
	if err != nil {
		i.skip(err)
		return nil
	}
	if i.size += int64(len(b)); i.size > maxImportSize {
		return fmt.Errorf("more than %d MiB", maxImportSize>>20)
	}
	ri, rest, err := i2p.ParseRouterInfo(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes after the RouterInfo", len(rest))
	}
	if err != nil {
		i.skip(err)
		return nil
	}
	news, err := i.db.add(ri, maxImportAge)
	switch {
	case errors.Is(err, reasonOwn):
	case err != nil:
		i.skip(err)
		return nil
	}
	i.valid++
	if news {
		i.news++
	}
	return nil
}

func (i *importer) skip(err error) {
	if i.first == nil {
		i.first = err
	}
}
