package gate

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// OpenFile reads what the settings name. Nothing below a folder leads out of it, by dots or by links.
func (s *service) OpenFile(ctx context.Context, r *pb.OpenFileRequest) (*pb.File, error) {
	i := s.instance
	a, err := i.tunnel(r.GetTunnel())
	if err != nil {
		return nil, err
	}
	f, err := i.openFile(a.tunnel, r)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, fileError(err, r)
	}
	answer := fileInfo(info)
	if r.GetInfoOnly() && !info.IsDir() {
		_ = f.Close()
		return answer, nil
	}
	if info.IsDir() {
		defer f.Close()
		if !r.GetInfoOnly() {
			answer.Entries, err = entries(f, r)
		}
		return answer, err
	}
	answer.Ticket, err = i.sendFile(ctx, a, f, r)
	return answer, err
}

// openFile opens a regular file or a folder. The caller closes it.
func (i *Instance) openFile(t *tunnel, r *pb.OpenFileRequest) (*os.File, error) {
	if err := i.permit(pb.Permission_READ_FILES); err != nil {
		return nil, err
	}
	if len(r.GetPath()) > maxPath || r.GetOffset() < 0 {
		return nil, refuse(api.ErrInvalid, "a path of %d bytes, offset %d: paths have up to %d, offsets are not negative", len(r.GetPath()), r.GetOffset(), maxPath)
	}
	g := t.granted.Load()
	var f *os.File
	var err error
	switch {
	case g.folders[r.GetRoot()]:
		f, err = openBelow(r.GetRoot(), r.GetPath())
	case g.files[r.GetRoot()] && r.GetPath() == "":
		f, err = os.OpenFile(atHome(r.GetRoot()), readOnly, 0)
	case g.files[r.GetRoot()]:
		return nil, refuse(api.ErrInvalid, "%.200s is a file in the settings of tunnel %s: it has no path below", r.GetRoot(), t.name)
	default:
		return nil, i.notInSettings("reading "+shorten(r.GetRoot()), t.name, pb.SettingKind_FOLDER)
	}
	if err != nil {
		return nil, fileError(err, r)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() && !(info.IsDir() && g.folders[r.GetRoot()]) {
		_ = f.Close()
		return nil, refuse(api.ErrInvalid, "%s is no file or folder", shorten(r.GetRoot()))
	}
	return f, nil
}

// readOnly does not wait at a named pipe.
const readOnly = os.O_RDONLY | syscall.O_NONBLOCK

func openBelow(folder, path string) (*os.File, error) {
	root, err := os.OpenRoot(atHome(folder))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if path == "" {
		path = "."
	}
	if !fs.ValidPath(path) {
		return nil, fs.ErrNotExist
	}
	return root.OpenFile(filepath.FromSlash(path), readOnly, 0)
}

// atHome replaces a leading ~ as a shell does.
func atHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}

func shorten(s string) string { return s[:min(len(s), 200)] }

// fileError tells the plugin what is wrong with a path that it may know: no path of the machine beyond the setting.
func fileError(err error, r *pb.OpenFileRequest) error {
	what := shorten(r.GetRoot())
	if r.GetPath() != "" {
		what = shorten(r.GetPath()) + " in " + what
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.EINVAL):
		return refuse(api.ErrUnknownHost, "there is no %s", what)
	case errors.Is(err, fs.ErrPermission):
		return refuse(api.ErrPermission, "clove's user may not read %s: change its mode or owner", what)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return refuse(api.ErrLimit, "too many files are open: raise the limit of open files (ulimit -n)")
	}
	var path *fs.PathError
	if errors.As(err, &path) && path.Err.Error() == "path escapes from parent" {
		return refuse(api.ErrUnknownHost, "there is no %s: it leads out of the folder", what)
	}
	return refuse(api.ErrInvalid, "%s cannot be read", what)
}

func fileInfo(info fs.FileInfo) *pb.File {
	f := &pb.File{Name: info.Name(), ModifiedUnixMs: info.ModTime().UnixMilli(), Folder: info.IsDir()}
	if !f.Folder {
		f.Size = info.Size()
	}
	return f
}

// entries lists the files and folders in a folder by name. What is neither, or leads out, is left out.
func entries(folder *os.File, r *pb.OpenFileRequest) ([]*pb.File, error) {
	names, err := folder.Readdirnames(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fileError(err, r)
	}
	if len(names) > maxEntries {
		return nil, refuse(api.ErrLimit, "%s has more than %d entries: use more folders", shorten(r.GetPath()), maxEntries)
	}
	return statAll(names, r)
}

// sendFile makes a ticket for the content from the offset on. It ends with the file, as long as that is when it ends.
func (i *Instance) sendFile(ctx context.Context, a *attachment, f *os.File, r *pb.OpenFileRequest) ([]byte, error) {
	if _, err := f.Seek(r.GetOffset(), io.SeekStart); err != nil {
		_ = f.Close()
		return nil, fileError(err, r)
	}
	l, err := a.tunnel.reserve(kindFile, shorten(r.GetRoot()), false)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	if !l.own(f) {
		return nil, errKilled
	}
	return i.give(ctx, a, &offer{link: l, take: func(data *net.UnixConn) {
		defer l.end()
		if l.own(data) {
			n, _ := io.Copy(data, f) // sendfile, where the system has it
			l.received.Add(uint64(n))
		}
	}})
}
