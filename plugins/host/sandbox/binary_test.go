//go:build unix

package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenRefusesWhatOthersCouldChange(t *testing.T) {
	write := func(t *testing.T, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "plugin")
		if err := errors.Join(os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		path   func(t *testing.T) string
		remedy string
	}{
		"group can write": {func(t *testing.T) string { return write(t, 0o775) }, "chmod go-w"},
		"all can write":   {func(t *testing.T) string { return write(t, 0o757) }, "chmod go-w"},
		"not executable":  {func(t *testing.T) string { return write(t, 0o644) }, "chmod 755"},
		"symlink": {func(t *testing.T) string {
			path := write(t, 0o755)
			if err := os.Symlink(path, path+".link"); err != nil {
				t.Fatal(err)
			}
			return path + ".link"
		}, "name the file itself"},
		"folder that all can write": {func(t *testing.T) string {
			path := write(t, 0o755)
			if err := os.Chmod(filepath.Dir(path), 0o777|os.ModeSticky); err != nil {
				t.Fatal(err)
			}
			return path
		}, "chmod go-w"},
		"folder above that all can write": {func(t *testing.T) string {
			path := write(t, 0o755)
			inner := filepath.Join(filepath.Dir(path), "inner")
			if err := errors.Join(os.Mkdir(inner, 0o755), os.Rename(path, inner+"/plugin"), os.Chmod(filepath.Dir(path), 0o777)); err != nil {
				t.Fatal(err)
			}
			return inner + "/plugin"
		}, "chmod go-w"},
		"foreign owner": {func(t *testing.T) string {
			if os.Geteuid() != 0 {
				t.Skip("only root can give files away")
			}
			path := write(t, 0o755)
			if err := os.Chown(path, 12345, -1); err != nil {
				t.Fatal(err)
			}
			return path
		}, "chown"},
		"folder": {func(t *testing.T) string { return t.TempDir() }, "regular"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Open(c.path(t))
			if err == nil {
				_ = b.Close()
			}
			if !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), c.remedy) {
				t.Errorf("%v", err)
			}
		})
	}
	b, err := Open(write(t, 0o755))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.SHA256 != "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf" { // printf '#!/bin/sh\n' | sha256sum
		t.Errorf("sha256 %s", b.SHA256)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestRuntimeFolderIsPrivate(t *testing.T) {
	parent, err := os.MkdirTemp("", "x") // t.TempDir is too long
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(parent)
	t.Setenv("XDG_RUNTIME_DIR", parent)
	folder, release, err := RuntimeFolder()
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(folder); err != nil || st.Mode().Perm() != 0o700 || filepath.Dir(folder) != parent {
		t.Errorf("%s %v %v", folder, st.Mode(), err)
	}
	// One that a killed clove has left goes, one in use stays.
	stale := filepath.Join(parent, runtimePrefix+"stale")
	if err := errors.Join(os.Mkdir(stale, 0o700), os.WriteFile(filepath.Join(stale, lockName), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, releaseOther, err := RuntimeFolder()
	if err != nil {
		t.Fatal(err)
	}
	releaseOther()
	if _, err := os.Stat(stale); err == nil {
		t.Error("the folder of a clove that is gone stays")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Error("the folder of a clove that runs is gone")
	}
	release()
	if _, err := os.Stat(folder); err == nil {
		t.Error("it stays")
	}

	long := filepath.Join(parent, strings.Repeat("x", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", long)
	other, release, err := RuntimeFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if strings.HasPrefix(other, long) {
		t.Errorf("%s is too long", other)
	}
}
