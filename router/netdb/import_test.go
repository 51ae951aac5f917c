package netdb_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clove.i2p/router/netdb"
)

func TestImportFile(t *testing.T) {
	n := newNetwork(t)
	for range 6 {
		n.add("XfR", nil)
	}
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	archive := func(entries map[string][]byte) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for name, b := range entries {
			w, err := z.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(b)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	ri := func(i int) []byte { return n.nodes[i].self.Bytes() }
	forged := bytes.Clone(ri(5))
	forged[len(forged)-1] ^= 1
	bomb := make([]byte, 10<<20)

	write("netDb/r0/routerInfo-a.dat", ri(1))
	write("netDb/rz/routerInfo-b.dat", ri(2))
	write("netDb/profile.dat", ri(3))
	write("broken/routerInfo-a.dat", []byte("x"))
	write("empty/readme.txt", nil)
	for _, test := range []struct {
		name, path string
		news       int
		err        string
	}{
		{"router.info", write("router.info", ri(0)), 1, ""},
		{"the same again", write("router.info", ri(0)), 0, ""},
		{"folder of folders", filepath.Join(dir, "netDb"), 2, ""},
		{"zip", write("seed.zip", archive(map[string][]byte{"routerInfo-c.dat": ri(3), "routerInfo-d.dat": ri(4), "x.txt": nil})), 2, ""},
		{"zip with invalid entries", write("mixed.zip", archive(map[string][]byte{
			"routerInfo-c.dat": ri(3), "routerInfo-e.dat": forged, "routerInfo-f.dat": bomb,
		})), 0, ""},
		{"only forged", write("forged.dat", forged), 0, "bad signature"},
		{"garbage", write("garbage.dat", []byte("garbage")), 0, "router info"},
		{"trailing", write("trailing.dat", append(bytes.Clone(ri(5)), 0)), 0, "1 bytes after"},
		{"broken zip", write("broken.zip", []byte("PK")), 0, "zip"},
		{"folder without valid", filepath.Join(dir, "broken"), 0, "router info"},
		{"folder without any", filepath.Join(dir, "empty"), 0, "no RouterInfo"},
		{"su3", write("seed.su3", nil), 0, "reseed.files"},
		{"missing", filepath.Join(dir, "nothing"), 0, "no such file"},
	} {
		if test.name == "router.info" {
			n.add("XR", nil)
		}
		db := n.nodes[6].db
		news, err := db.ImportFile(test.path)
		if news != test.news {
			t.Errorf("%s: %d new, want %d (%v)", test.name, news, test.news, err)
		}
		switch {
		case test.err == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(err.Error(), test.path)):
			t.Errorf("%s: err = %v, want one with %q", test.name, err, test.err)
		}
	}
	b := archive(map[string][]byte{"routerInfo-x.dat": ri(5)})
	if news, err := n.nodes[6].db.ImportZip(bytes.NewReader(b), int64(len(b))); news != 1 || err != nil {
		t.Errorf("ImportZip = %d, %v", news, err)
	}
}

func TestOwnRouterInfoIsNotImported(t *testing.T) {
	n := newNetwork(t)
	r := n.add("XR", nil)
	path := filepath.Join(t.TempDir(), "router.info")
	if err := os.WriteFile(path, r.self.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if news, err := r.db.ImportFile(path); news != 0 || err != nil {
		t.Errorf("ImportFile = %d, %v", news, err)
	}
	if r.db.Stats().Routers != 0 || r.db.RouterInfo(r.self.Hash()) != r.self {
		t.Error("our own RouterInfo is not for the store")
	}
}

func TestConfig(t *testing.T) {
	for _, id := range []int{-1, 0, 255} {
		if _, err := netdb.New(netdb.Config{NetworkID: id}, netdb.Deps{}); err == nil {
			t.Errorf("network id %d was accepted", id)
		}
	}
}
