package addressbook_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"clove.i2p/router/addressbook"
	"clove.i2p/router/naming"
)

func open(t testing.TB, path string) *addressbook.Book {
	t.Helper()
	b, err := addressbook.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAddAppendsAndKeepsTheRest(t *testing.T) {
	a, b := newDestination(t), newDestination(t)
	for name, tt := range map[string]struct{ before, after string }{
		"no file":        {"", "new.i2p=" + b.Base64() + "\n"},
		"comments":       {"# mine\n\nbroken line\na.i2p=" + a.Base64() + "#!x=1\n", "# mine\n\nbroken line\na.i2p=" + a.Base64() + "#!x=1\nnew.i2p=" + b.Base64() + "\n"},
		"no last end":    {"a.i2p=" + a.Base64(), "a.i2p=" + a.Base64() + "\nnew.i2p=" + b.Base64() + "\n"},
		"Windows":        {"# x\r\na.i2p=" + a.Base64() + "\r\n", "# x\r\na.i2p=" + a.Base64() + "\r\nnew.i2p=" + b.Base64() + "\r\n"},
		"bytes not text": {"\xff\x00\n", "\xff\x00\nnew.i2p=" + b.Base64() + "\n"},
		"known already":  {"NEW.i2p = " + b.Base64() + " # x", "NEW.i2p = " + b.Base64() + " # x"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hosts.txt")
			if tt.before != "" {
				write(t, path, tt.before)
				if err := os.Chmod(path, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			book := open(t, path)
			if err := book.Add("New.i2p", b); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); string(got) != tt.after || err != nil {
				t.Errorf("got %q, want %q; %v", got, tt.after, err)
			}
			if d, ok := book.Destination("new.i2p"); !ok || d.Hash() != b.Hash() {
				t.Error("the book does not have it at once")
			}
			if info, _ := os.Stat(path); name != "known already" && runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v", info.Mode())
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

func TestAddRefuses(t *testing.T) {
	a, b := newDestination(t), newDestination(t)
	path := filepath.Join(t.TempDir(), "hosts.txt")
	before := "a.i2p=" + a.Base64() + "\n"
	write(t, path, before)
	book := open(t, path)
	for name, want := range map[string]error{
		"A.i2p": addressbook.ErrTaken, "x.example": naming.ErrInvalidHost, "x\n.i2p": naming.ErrInvalidHost,
		"x=y.i2p": naming.ErrInvalidHost, b.Base32(): naming.ErrInvalidHost, "": naming.ErrInvalidHost,
	} {
		if err := book.Add(name, b); !errors.Is(err, want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got, _ := os.ReadFile(path); string(got) != before {
		t.Errorf("file %q", got)
	}
	if err := open(t, "").Add("b.i2p", b); !errors.Is(err, addressbook.ErrNoFile) {
		t.Error(err)
	}
	full := filepath.Join(t.TempDir(), "hosts.txt")
	write(t, full, strings.Repeat("# 2345678\n", 32<<20/10)) // a few bytes below the limit
	if err := open(t, full).Add("b.i2p", b); !errors.Is(err, addressbook.ErrFull) {
		t.Error(err)
	}
	folder := filepath.Join(t.TempDir(), "none", "hosts.txt")
	if err := open(t, folder).Add("b.i2p", b); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// The file changes between the last look of the book and Add: what the user wrote counts.
func TestAddSeesWhatTheUserWroteMeanwhile(t *testing.T) {
	a, b := newDestination(t), newDestination(t)
	path := filepath.Join(t.TempDir(), "hosts.txt")
	book := open(t, path)
	write(t, path, "a.i2p="+a.Base64()+"\n")
	if err := book.Add("a.i2p", b); !errors.Is(err, addressbook.ErrTaken) {
		t.Error(err)
	}
	if err := book.Add("b.i2p", b); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(book.Names()); got != "[a.i2p b.i2p]" {
		t.Error(got)
	}
}

func TestAddThroughALinkKeepsTheLink(t *testing.T) {
	b := newDestination(t)
	real, link := filepath.Join(t.TempDir(), "real.txt"), filepath.Join(t.TempDir(), "hosts.txt")
	write(t, real, "# x\n")
	if err := os.Symlink(real, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if err := open(t, link).Add("b.i2p", b); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(real); !strings.Contains(string(got), "b.i2p=") {
		t.Errorf("%q", got)
	}
	if info, _ := os.Lstat(link); info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is gone")
	}
}

func TestAddManyAtOnceLosesNone(t *testing.T) {
	b := newDestination(t)
	path := filepath.Join(t.TempDir(), "hosts.txt")
	book := open(t, path)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := book.Add(fmt.Sprintf("n%d.i2p", i), b); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := open(t, path).Len(); n != 20 || book.Len() != 20 {
		t.Errorf("%d names in the file, %d in the book", n, book.Len())
	}
}
