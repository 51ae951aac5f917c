package router_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clove.i2p/router"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// open makes a router in dir, on a port that the system chooses.
func open(dir string) (*router.Router, error) {
	return router.New(router.Config{
		DataDir: dir, NetworkID: 99, AllowPrivate: true, NTCP2: router.Endpoint{Listen: "127.0.0.1:0"},
	}, nil)
}

// kept is a data directory that a router has used, with its files by name.
func kept(t *testing.T) (dir string, files map[string][]byte, id i2p.Hash) {
	t.Helper()
	dir = t.TempDir()
	r, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	other, err := open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.DB().Add(other.RouterInfo()); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	files = make(map[string][]byte)
	for _, name := range []string{"router.keys", "ntcp2.keys", "ssu2.keys", "netdb.db"} {
		if files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, files, r.Hash()
}

func TestIdentityAndNetDBSurviveARestart(t *testing.T) {
	dir, files, id := kept(t)
	r, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Hash() != id {
		t.Errorf("identity %s, was %s", r.Hash(), id)
	}
	if n := r.Stats().NetDB.Routers; n != 1 {
		t.Errorf("%d routers in the netDb, want 1", n)
	}
	for _, name := range []string{"router.keys", "ntcp2.keys", "ssu2.keys"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(b, files[name]) {
			t.Errorf("%s has changed (%v)", name, err)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
}

// damages are ways in which a file may be damaged.
var damages = map[string]func([]byte) []byte{
	"empty":     func([]byte) []byte { return []byte{} },
	"short":     func(b []byte) []byte { return b[:len(b)/2] },
	"cut":       func(b []byte) []byte { return b[:len(b)-1] },
	"long":      func(b []byte) []byte { return append(bytes.Clone(b), 1, 2, 3) },
	"zero":      func(b []byte) []byte { return make([]byte, len(b)) },
	"text":      func([]byte) []byte { return []byte("this is not the file that it was\n") },
	"overwrite": func(b []byte) []byte { return bytes.Repeat([]byte{0xa5}, len(b)) },
}

// harmless damages let a router start: of the netDb nothing is lost.
var harmless = map[string]bool{
	"netdb.db empty": true, "netdb.db cut": true, "netdb.db long": true,
}

func TestDamagedFilesAreNotOverwritten(t *testing.T) {
	_, good, _ := kept(t)
	for name, content := range good {
		for damage, do := range damages {
			t.Run(name+" "+damage, func(t *testing.T) {
				dir := t.TempDir()
				for other, b := range good {
					if err := os.WriteFile(filepath.Join(dir, other), b, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				path := filepath.Join(dir, name)
				bad := do(content)
				if err := os.WriteFile(path, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				r, err := open(dir)
				if err == nil {
					r.Close()
					if !harmless[name+" "+damage] {
						t.Error("started")
					}
				} else {
					names(t, err, path)
				}
				if len(bad) == 0 && err == nil {
					return // there was nothing to lose
				}
				if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, bad) {
					t.Errorf("the file was changed: %d bytes, were %d (%v)", len(now), len(bad), err)
				}
			})
		}
	}
}

// names checks that an error names the file and says what to do.
func names(t *testing.T, err error, path string) {
	t.Helper()
	if !strings.Contains(err.Error(), path) {
		t.Errorf("%q does not name %s", err, path)
	}
	for _, remedy := range []string{"move it away", "move the file away", "good copy"} {
		if strings.Contains(err.Error(), remedy) {
			return
		}
	}
	t.Errorf("%q does not say what to do", err)
}

func TestDamagedHostsFileIsNotOverwritten(t *testing.T) {
	for damage, content := range map[string][]byte{
		"binary":   bytes.Repeat([]byte{0, 0xff, 0xa5, '\n'}, 1000),
		"no value": []byte("name.i2p\n"),
		"bad key":  []byte("name.i2p=notadestination\n"),
		"long":     bytes.Repeat([]byte{'x'}, 1<<20),
	} {
		t.Run(damage, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "hosts.txt")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := open(dir)
			if err == nil {
				r.Close()
			} else {
				names(t, err, path)
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

// An address that is the hash of a router says where it is hosted.
func TestRouterKeysAreNoDestination(t *testing.T) {
	dir := t.TempDir()
	r, stop, err := router.Start(t.Context(), router.Config{
		DataDir: dir, NetworkID: 99, AllowPrivate: true, NTCP2: router.Endpoint{Listen: "127.0.0.1:0"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	d, err := r.Open(router.DestinationConfig{KeyFile: filepath.Join(dir, "router.keys")})
	if !errors.Is(err, router.ErrOwnIdentity) {
		t.Errorf("%v, want ErrOwnIdentity", err)
	}
	if err == nil {
		d.Close()
	}
}

func TestDamagedDestinationKeysAreNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site.dat")
	k, err := i2p.LoadOrCreateDestinationKeys(path, keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, stop, err := router.Start(t.Context(), router.Config{
		NetworkID: 99, AllowPrivate: true, NTCP2: router.Endpoint{Listen: "127.0.0.1:0"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	d, err := r.Open(router.DestinationConfig{KeyFile: path})
	if err != nil {
		t.Fatal(err)
	}
	if d.Hash() != k.Destination.Hash() {
		t.Error("another destination than that of the file")
	}
	if _, err := r.Open(router.DestinationConfig{KeyFile: path}); err != router.ErrInUse {
		t.Errorf("hosted twice: %v", err)
	}
	d.Close()
	for damage, do := range damages {
		t.Run(damage, func(t *testing.T) {
			bad := do(good)
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			d, err := r.Open(router.DestinationConfig{KeyFile: path})
			if err == nil {
				t.Error("opened")
				d.Close()
			} else {
				names(t, err, path)
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, bad) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}
