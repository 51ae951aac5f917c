package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// ReadFile reads a file that a setting of kind "file" names.
func (t *Tunnel) ReadFile(name string) ([]byte, error) {
	f, err := t.openFile(name, "", 0, false)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	if f.Folder {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a folder")}
	}
	c, err := t.program.redeem(t.life.ctx, f.Ticket)
	if err != nil {
		return nil, err
	}
	if err := t.open.add(c, false); err != nil {
		return nil, err
	}
	defer t.open.remove(c)
	defer c.Close()
	return io.ReadAll(c)
}

func (t *Tunnel) openFile(root, name string, offset int64, infoOnly bool) (*pb.File, error) {
	ctx, cancel := context.WithTimeout(t.life.ctx, callTime)
	defer cancel()
	f, err := t.program.host.OpenFile(ctx, &pb.OpenFileRequest{
		Tunnel: t.name, Root: root, Path: name, Offset: offset, InfoOnly: infoOnly,
	})
	switch err = hostErrorOrNil(ctx, err); {
	case errors.Is(err, api.ErrUnknownHost):
		return nil, fs.ErrNotExist
	case errors.Is(err, api.ErrPermission):
		return nil, fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
	return f, err
}

func hostErrorOrNil(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return hostError(ctx, err)
}

type folder struct {
	tunnel *Tunnel
	root   string
}

var (
	_ fs.StatFS    = (*folder)(nil)
	_ fs.ReadDirFS = (*folder)(nil)
)

// info has the entries of a folder only with all.
func (d *folder) info(op, name string, all bool) (*pb.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	f, err := d.tunnel.openFile(d.root, hostPath(name), 0, !all)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return f, nil
}

func hostPath(name string) string {
	if name == "." {
		return ""
	}
	return name
}

func (d *folder) Stat(name string) (fs.FileInfo, error) {
	f, err := d.info("stat", name, false)
	if err != nil {
		return nil, err
	}
	return fileInfo{f, path.Base(name)}, nil
}

func (d *folder) ReadDir(name string) ([]fs.DirEntry, error) {
	f, err := d.info("readdir", name, false)
	if err != nil {
		return nil, err
	}
	if !f.Folder {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a folder")}
	}
	if f, err = d.info("readdir", name, true); err != nil {
		return nil, err
	}
	return entries(f), nil
}

func entries(f *pb.File) []fs.DirEntry {
	list := make([]fs.DirEntry, 0, len(f.Entries))
	for _, e := range f.Entries {
		list = append(list, fs.FileInfoToDirEntry(fileInfo{e, path.Base(e.Name)}))
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list
}

func (d *folder) Open(name string) (fs.File, error) {
	f, err := d.info("open", name, false)
	if err != nil {
		return nil, err
	}
	own := &file{folder: d, name: name, info: fileInfo{f, path.Base(name)}}
	if f.Folder {
		return &openFolder{file: own}, nil
	}
	return own, nil
}

// fileInfo is what the host tells of a file. Modes are 0444 and 0555: there is nothing to write to.
type fileInfo struct {
	*pb.File

	base string
}

var _ fs.FileInfo = fileInfo{}

func (i fileInfo) Name() string       { return i.base }
func (i fileInfo) Size() int64        { return i.File.Size }
func (i fileInfo) ModTime() time.Time { return time.UnixMilli(i.ModifiedUnixMs) }
func (i fileInfo) IsDir() bool        { return i.Folder }
func (i fileInfo) Sys() any           { return nil }

func (i fileInfo) Mode() fs.FileMode {
	if i.Folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// file asks for its content at the first Read, from the offset of the last Seek.
type file struct {
	folder *folder
	name   string
	info   fileInfo

	mu      sync.Mutex
	offset  int64
	content io.ReadCloser
	closed  bool
}

var _ io.ReadSeekCloser = (*file)(nil)

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }

func (f *file) Read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrClosed}
	case f.info.Folder:
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: errors.New("is a folder")}
	case len(b) == 0:
		return 0, nil
	case f.content == nil && f.offset >= f.info.Size():
		return 0, io.EOF
	case f.content == nil:
		if err := f.openAt(); err != nil {
			return 0, &fs.PathError{Op: "read", Path: f.name, Err: err}
		}
	}
	n, err := f.content.Read(b)
	f.offset += int64(n)
	return n, err
}

func (f *file) openAt() error {
	t := f.folder.tunnel
	at, err := t.openFile(f.folder.root, hostPath(f.name), f.offset, false)
	if err != nil {
		return err
	}
	c, err := t.program.redeem(t.life.ctx, at.Ticket)
	if err != nil {
		return err
	}
	if err := t.open.add(c, false); err != nil {
		return err
	}
	f.content = c
	return nil
}

func (f *file) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		offset += f.info.Size()
	}
	if offset < 0 {
		return 0, &fs.PathError{Op: "seek", Path: f.name, Err: fs.ErrInvalid}
	}
	if offset != f.offset {
		f.closeContent()
		f.offset = offset
	}
	return offset, nil
}

func (f *file) closeContent() {
	if f.content != nil {
		f.folder.tunnel.open.remove(f.content)
		_ = f.content.Close()
		f.content = nil
	}
}

func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.closeContent()
	return nil
}

type openFolder struct {
	*file

	listed bool
	left   []fs.DirEntry
}

var _ fs.ReadDirFile = (*openFolder)(nil)

func (d *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.listed {
		all, err := d.folder.ReadDir(d.name)
		if err != nil {
			return nil, err
		}
		d.listed, d.left = true, all
	}
	if n <= 0 {
		all := d.left
		d.left = nil
		return all, nil
	}
	if len(d.left) == 0 {
		return nil, io.EOF
	}
	some := d.left[:min(n, len(d.left))]
	d.left = d.left[len(some):]
	return some, nil
}
