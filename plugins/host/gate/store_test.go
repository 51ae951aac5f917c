package gate

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"clove.i2p/plugins/api"
)

func reopen(t *testing.T, folder string) *store {
	t.Helper()
	s, err := openStore(folder, "t", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func TestStoreSurvivesAndForgets(t *testing.T) {
	folder := t.TempDir()
	s := reopen(t, folder)
	for _, k := range []string{"a/1", "a/2", "b"} {
		if err := s.put(k, []byte("value of "+k)); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.put("a/1", []byte("new"))
	_ = s.put("empty", nil)
	_ = s.remove("b")
	_ = s.remove("never there")
	for range 2 { // as it is, and read again
		if v, ok := s.get("a/1"); !ok || string(v) != "new" {
			t.Errorf("a/1: %q, %v", v, ok)
		}
		if v, ok := s.get("empty"); !ok || len(v) != 0 {
			t.Errorf("empty: %q, %v", v, ok)
		}
		if _, ok := s.get("b"); ok {
			t.Error("b was deleted")
		}
		if got := s.keys("a/"); !slices.Equal(got, []string{"a/1", "a/2"}) {
			t.Errorf("keys %v", got)
		}
		s.close()
		s = reopen(t, folder)
	}
	if info, _ := os.Stat(storePath(folder, "t")); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	s.close()
	if err := removeStore(folder, "t"); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if got := storePath(folder, "../../etc/x"); filepath.Dir(got) != folder {
		t.Errorf("a name leads out: %s", got)
	}
}

// A crash leaves any beginning of the last change: what was there before stays.
func TestStoreSurvivesACrashAtEachByte(t *testing.T) {
	folder := t.TempDir()
	s := reopen(t, folder)
	_ = s.put("kept", []byte("value"))
	before, _ := os.ReadFile(storePath(folder, "t"))
	_ = s.put("last", []byte("change"))
	s.close()
	whole, _ := os.ReadFile(storePath(folder, "t"))
	for n := len(before); n < len(whole); n++ {
		if err := os.WriteFile(storePath(folder, "t"), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		s := reopen(t, folder)
		if v, _ := s.get("kept"); string(v) != "value" {
			t.Fatalf("%d bytes of the last change: kept is %q", n-len(before), v)
		}
		if _, ok := s.get("last"); ok {
			t.Fatalf("%d bytes of the last change count", n-len(before))
		}
		if err := s.put("after", []byte("x")); err != nil {
			t.Fatal(err)
		}
		s.close()
		s = reopen(t, folder)
		if v, _ := s.get("after"); string(v) != "x" {
			t.Fatal("what is written after a crash is lost")
		}
		s.close()
	}
}

func TestStoreIsBounded(t *testing.T) {
	s := reopen(t, t.TempDir())
	for _, bad := range []string{"", string(make([]byte, 257))} {
		if err := s.put(bad, nil); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("key of %d bytes: %v", len(bad), err)
		}
	}
	if err := s.put("k", make([]byte, maxValue+1)); !errors.Is(err, api.ErrLimit) {
		t.Errorf("value too long: %v", err)
	}
	n := 0
	var err error
	for ; err == nil; n++ {
		err = s.put(fmt.Sprint(n), make([]byte, maxValue))
	}
	if !errors.Is(err, api.ErrLimit) || n != 16 {
		t.Errorf("full after %d values, %v", n, err)
	}
	// The same again is no growth; the journal is, and is rewritten.
	for range 100 {
		if err := s.put("0", make([]byte, maxValue)); err != nil {
			t.Fatal(err)
		}
	}
	if info, _ := os.Stat(s.journal.path); info.Size() > compactAt(maxStore)+2*maxValue {
		t.Errorf("the file has %d bytes", info.Size())
	}
	values := len(s.values)
	s.close()
	if err := s.put("x", nil); !errors.Is(err, api.ErrNotReady) {
		t.Errorf("put after close: %v", err)
	}
	if again := reopen(t, filepath.Dir(s.journal.path)); len(again.values) != values || again.size != s.size {
		t.Errorf("%d values of %d, size %d of %d", len(again.values), values, again.size, s.size)
	}
}

func TestForeignFileIsNotOverwritten(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(storePath(folder, "t"), []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(folder, "t", nil); err == nil {
		t.Error("opened")
	}
	if b, _ := os.ReadFile(storePath(folder, "t")); string(b) != "something else" {
		t.Errorf("now %q", b)
	}
}

func FuzzParseChange(f *testing.F) {
	f.Add(change{key: "k", value: []byte("v")}.append(nil))
	f.Add(change{key: "k", deleted: true}.append([]byte("x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, rest, err := parseChange(b)
		if err != nil {
			return
		}
		if again := append(c.append(nil), rest...); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
