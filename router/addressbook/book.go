package addressbook

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/naming"
)

var _ naming.Book = (*Book)(nil)

// A Book is the names of a hosts.txt. It is safe for concurrent use.
type Book struct {
	path  string
	log   *slog.Logger
	hosts atomic.Pointer[map[string]*i2p.Destination]
	file  sync.Mutex // held while the file is read or replaced
	seen  version    // of the file, when it was read last
}

// version tells two states of the file apart.
type version struct {
	exists  bool
	size    int64
	changed time.Time
}

// Open reads the book at path. That there is no file, or an empty path, is an empty book; a file that cannot be read is
// an error. Damaged lines are logged.
func Open(path string, log *slog.Logger) (*Book, error) {
	b := &Book{path: path, log: log}
	b.hosts.Store(&map[string]*i2p.Destination{})
	b.file.Lock()
	defer b.file.Unlock()
	v, err := b.version()
	if err == nil {
		err = b.read(v)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Run reads the file again whenever it changes, until ctx ends. A file that has become unreadable is logged, and the
// names of before stay.
func (b *Book) Run(ctx context.Context) error {
	if b.path == "" {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		b.follow()
	}
}

// follow reads the file again if it has changed.
func (b *Book) follow() {
	b.file.Lock()
	defer b.file.Unlock()
	v, err := b.version()
	if err == nil && v == b.seen {
		return
	}
	if err == nil {
		err = b.read(v)
	}
	if err != nil && b.seen != v {
		b.seen = v // one report for each state of the file
		b.log.Warn("address book not read again", "error", err)
	}
}

// Destination is what the book lists for a name as naming.Normalize spells it.
func (b *Book) Destination(name string) (*i2p.Destination, bool) {
	d, ok := (*b.hosts.Load())[name]
	return d, ok
}

// Len is the number of names.
func (b *Book) Len() int { return len(*b.hosts.Load()) }

// Names lists all names, sorted.
func (b *Book) Names() []string { return slices.Sorted(maps.Keys(*b.hosts.Load())) }

func (b *Book) version() (version, error) {
	if b.path == "" {
		return version{}, nil
	}
	info, err := os.Stat(b.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return version{}, nil
	case err != nil:
		return version{}, fmt.Errorf("addressbook: %w", err)
	case !info.Mode().IsRegular():
		return version{}, fmt.Errorf("addressbook: %s is not a file", b.path)
	}
	return version{true, info.Size(), info.ModTime()}, nil
}

// read replaces the names by those of the file, whose state is v.
func (b *Book) read(v version) error {
	if !v.exists {
		b.hosts.Store(&map[string]*i2p.Destination{})
		b.seen = v
		return nil
	}
	f, err := os.Open(b.path)
	if err != nil {
		return fmt.Errorf("addressbook: %w", err)
	}
	defer f.Close()
	hosts, bad, err := Parse(f)
	if err != nil {
		return fmt.Errorf("%w (%s)", err, b.path)
	}
	b.hosts.Store(&hosts)
	b.seen = v
	b.report(bad)
	b.log.Info("address book read", "names", len(hosts))
	return nil
}

func (b *Book) report(bad []*LineError) {
	for i, e := range bad {
		if i == maxReports {
			b.log.Warn("address book: more lines skipped", "file", b.path, "lines", len(bad)-i)
			return
		}
		b.log.Warn("address book line skipped: mend it or remove it", "file", b.path, "line", e.Line)
		b.log.Debug("address book: wrong line", "line", e.Line, "error", e.Err) // names the host
	}
}
