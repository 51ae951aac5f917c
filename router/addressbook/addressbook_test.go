package addressbook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/addressbook"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

func newDestination(t testing.TB) *i2p.Destination {
	t.Helper()
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	return k.Destination
}

func TestParse(t *testing.T) {
	a, b := newDestination(t), newDestination(t)
	in := strings.Join([]string{
		"\ufeff# a comment\r",
		"a.i2p=" + a.Base64() + "\r",
		"",
		"  B.I2P = " + b.Base64() + "#!added=1#source=x#olddest=" + a.Base64(),
		"#!action=remove#name=a.i2p",
		"a.i2p=" + b.Base64(),                     // 6: taken
		"no equals sign",                          // 7
		"c.i2p=" + a.Base64()[:500],               // 8
		"not a name=" + a.Base64(),                // 9
		a.Base32() + "=" + a.Base64(),             // 10
		"d.i2p=" + strings.Repeat("A", 100_000),   // 11: too long
		"example.org=" + a.Base64(),               // 12
		"e.i2p=" + a.Base64() + "=",               // 13
		"last.i2p=" + a.Base64() + "# no newline", // 14
	}, "\n")
	hosts, bad, err := addressbook.Parse(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if len(hosts) != 3 || hosts["a.i2p"].Hash() != a.Hash() || hosts["b.i2p"].Hash() != b.Hash() || hosts["last.i2p"].Hash() != a.Hash() {
		t.Errorf("hosts %v", hosts)
	}
	var lines []int
	for _, e := range bad {
		lines = append(lines, e.Line)
	}
	if got := fmt.Sprint(lines); got != "[6 7 8 9 10 11 12 13]" {
		t.Errorf("bad lines %s: %v", got, bad)
	}
}

func TestEndlessFileIsRefused(t *testing.T) {
	_, _, err := addressbook.Parse(endless{})
	if err == nil || !strings.Contains(err.Error(), "more than") {
		t.Error(err)
	}
	if _, _, err = addressbook.Parse(io.MultiReader(strings.NewReader("# x\n"), broken{})); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	return copy(b, bytes.Repeat([]byte("# comment\n"), len(b)/10+1)), nil
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBookFollowsItsFile(t *testing.T) {
	a, b := newDestination(t), newDestination(t)
	path := filepath.Join(t.TempDir(), "hosts.txt")
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		book, err := addressbook.Open(path, slog.New(slog.NewTextHandler(&out, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if book.Len() != 0 {
			t.Errorf("%d names without a file", book.Len())
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- book.Run(ctx) }()
		later := func() { time.Sleep(5 * time.Second); synctest.Wait() }

		write(t, path, "a.i2p="+a.Base64()+"\n")
		later()
		if d, ok := book.Destination("a.i2p"); !ok || d.Hash() != a.Hash() {
			t.Error("the new file is not read")
		}
		damaged := "b.i2p=" + b.Base64() + "\ndamaged line\na.i2p=" + a.Base64() + "\n"
		write(t, path, damaged)
		later()
		if got := fmt.Sprint(book.Names()); got != "[a.i2p b.i2p]" {
			t.Errorf("names %s", got)
		}
		if log := out.String(); strings.Count(log, "line skipped") != 1 || !strings.Contains(log, "line=2") || !strings.Contains(log, path) {
			t.Errorf("log:\n%s", log)
		}
		if now, _ := os.ReadFile(path); string(now) != damaged {
			t.Error("the file was changed")
		}
		// A folder in its place: the names stay.
		os.Remove(path)
		os.Mkdir(path, 0o700)
		later()
		later()
		if book.Len() != 2 || strings.Count(out.String(), "not read again") != 1 {
			t.Errorf("%d names, log:\n%s", book.Len(), out.String())
		}
		os.Remove(path)
		write(t, path, "b.i2p="+b.Base64())
		later()
		if got := fmt.Sprint(book.Names()); got != "[b.i2p]" {
			t.Errorf("names %s", got)
		}
		os.Remove(path)
		later()
		if book.Len() != 0 {
			t.Errorf("%d names of a file that is gone", book.Len())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestOpen(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	book, err := addressbook.Open("", log)
	if err != nil || book.Len() != 0 {
		t.Errorf("no path: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := book.Run(ctx); err != nil {
		t.Error(err)
	}
	if _, err := addressbook.Open(t.TempDir(), log); err == nil {
		t.Error("a folder was opened")
	}
}

func FuzzParse(f *testing.F) {
	d := newDestination(f).Base64()
	f.Add([]byte("# x\r\na.i2p=" + d + "#!a=b\n"))
	f.Add([]byte("a.i2p=" + d + "\na.i2p=" + d))
	f.Fuzz(func(t *testing.T, b []byte) {
		hosts, _, err := addressbook.Parse(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		for name, d := range hosts {
			fmt.Fprintf(&out, "%s=%s\n", name, d.Base64())
		}
		again, bad, err := addressbook.Parse(&out)
		if err != nil || len(bad) != 0 || len(again) != len(hosts) {
			t.Fatalf("%d hosts, %d again, %v, %v", len(hosts), len(again), bad, err)
		}
	})
}
