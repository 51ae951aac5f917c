package netdb_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/netdb"
)

// fill makes a file with routers in it and returns them.
func fill(t *testing.T, n *network, path string, routers int) {
	t.Helper()
	for range routers {
		n.add("XfR", nil)
	}
	r := n.add("XR", func(c *netdb.Config) { c.Path = path })
	r.know(n.nodes...)
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
}

func open(n *network, path string) (*netdb.DB, error) {
	o := n.nodes[0]
	return netdb.New(netdb.Config{NetworkID: testNetwork, Path: path}, netdb.Deps{
		Clock: n.clock, Peers: o.book, Self: nil, Messenger: o, Rand: rand.New(rand.NewPCG(1, 1)),
	})
}

func TestRouterInfosSurviveARestart(t *testing.T) {
	n := newNetwork(t)
	path := filepath.Join(t.TempDir(), "folder", "netdb.db")
	fill(t, n, path, 20)
	db, err := open(n, path)
	if err != nil {
		t.Fatal(err)
	}
	if s := db.Stats(); s.Routers != 20 || s.Floodfills != 20 {
		t.Errorf("%d routers and %d floodfills, want 20", s.Routers, s.Floodfills)
	}
	if _, err := open(n, path); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("second open: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestRunWritesNowAndThen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "netdb.db")
	bubble(t, func(t *testing.T, n *network) {
		a := n.add("XfR", nil)
		r := n.add("XR", func(c *netdb.Config) { c.Path = path })
		stop := n.run()
		defer stop()
		r.know(a)
		time.Sleep(10 * time.Second)
		b, err := os.ReadFile(path) // as a crash would leave it
		if err != nil || !bytes.Contains(b, a.self.Bytes()) {
			t.Errorf("not written while running: %v", err)
		}
	})
}

// TestDamagedFile cuts and overwrites the file in many ways: it is either read, perhaps with fewer routers, or refused with
// an error that says what to do; it never panics, and what is refused is left as it was.
func TestDamagedFile(t *testing.T) {
	n := newNetwork(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "netdb.db")
	fill(t, n, path, 60)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	damage := map[string][]byte{
		"text": []byte("this is no database\n"), "zeros": make([]byte, len(whole)),
		"half": whole[:len(whole)/2], "one page": whole[:4096], "odd": whole[:len(whole)-1], "two pages": whole[:8192],
	}
	garbage := make([]byte, len(whole))
	for i := range garbage {
		garbage[i] = byte(rng.Uint32())
	}
	damage["garbage"] = garbage
	damage["garbage after the first pages"] = append(bytes.Clone(whole[:16384]), garbage[16384:]...)
	for i := range 60 {
		b := bytes.Clone(whole)
		at := rng.IntN(len(b) - 4096)
		copy(b[at:at+64+rng.IntN(4000)], garbage)
		damage["overwritten "+string(rune('a'+i%26))+string(rune('a'+i/26))] = b
	}
	refused, read := 0, 0
	for name, b := range damage {
		file := filepath.Join(dir, "damaged.db")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := open(n, file)
		if err == nil {
			read++
			if s := db.Stats(); s.Routers > 60 {
				t.Errorf("%s: %d routers", name, s.Routers)
			}
			if err := db.Close(); err != nil {
				t.Errorf("%s: close: %v", name, err)
			}
			continue
		}
		refused++
		if !errors.Is(err, netdb.ErrDamaged) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "move the file away") {
			t.Errorf("%s: error does not help: %v", name, err)
		}
		after, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(after, b) {
			t.Errorf("%s: the file was changed although it was refused: %v", name, err)
		}
	}
	t.Logf("%d refused, %d read", refused, read)
	if refused < 8 || read == 0 {
		t.Errorf("%d refused, %d read", refused, read)
	}
}

func TestEmptyFileIsNew(t *testing.T) {
	n := newNetwork(t)
	n.add("XR", nil)
	path := filepath.Join(t.TempDir(), "netdb.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := open(n, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	n := newNetwork(t)
	n.add("XR", nil)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(n, filepath.Join(file, "netdb.db")); err == nil || errors.Is(err, netdb.ErrDamaged) {
		t.Errorf("err = %v", err)
	}
}
