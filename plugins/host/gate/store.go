package gate

import (
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"clove.i2p/plugins/api"
)

// store is a tunnel's keys and values. It is in memory, and each change is in a journal on disk before it returns.
type store struct {
	writes *bucket

	mu      sync.Mutex
	values  map[string][]byte
	size    int // as maxStore counts
	journal *journal
	closed  bool
}

func makeStoreFolder(folder string) error {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("gate: folder of the plugins' stores: %w", err)
	}
	return nil
}

// storePath escapes what a name of a tunnel may hold, and a file name may not.
func storePath(folder, tunnel string) string {
	return filepath.Join(folder, url.PathEscape(tunnel)+".store")
}

func openStore(folder, tunnel string, log *slog.Logger) (*store, error) {
	s := &store{writes: newBucket(storeRate, storeBurst), values: make(map[string][]byte)}
	if folder == "" {
		return s, nil
	}
	j, lost, err := openJournal(storePath(folder, tunnel), s.apply)
	if err != nil {
		return nil, fmt.Errorf("gate: store of tunnel %s: %w", tunnel, err)
	}
	if lost > 0 {
		log.Warn("the end of a tunnel's store was damaged and is dropped", "tunnel", tunnel, "bytes", lost)
	}
	s.journal = j
	return s, nil
}

func removeStore(folder, tunnel string) error {
	if folder == "" {
		return nil
	}
	err := os.Remove(storePath(folder, tunnel))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func cost(key string, value []byte) int { return keyCost + len(key) + len(value) }

// apply makes a change in memory. It takes value over.
func (s *store) apply(c change) {
	if old, ok := s.values[c.key]; ok {
		s.size -= cost(c.key, old)
		delete(s.values, c.key)
	}
	if !c.deleted {
		s.size += cost(c.key, c.value)
		s.values[c.key] = c.value
	}
}

func checkKey(key string) error {
	if key == "" || len(key) > maxKey {
		return refuse(api.ErrInvalid, "a key of %d bytes: use 1 to %d", len(key), maxKey)
	}
	return nil
}

func (s *store) get(key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	return slices.Clone(v), ok
}

func (s *store) keys(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for k := range s.values {
		if strings.HasPrefix(k, prefix) {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// put stores a value. Errors wrap api.ErrInvalid, api.ErrLimit.
func (s *store) put(key string, value []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if len(value) > maxValue {
		return refuse(api.ErrLimit, "a value of %d bytes: the store takes %d", len(value), maxValue)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	after := s.size + cost(key, value)
	if old, ok := s.values[key]; ok {
		after -= cost(key, old)
	}
	if after > maxStore {
		return refuse(api.ErrLimit, "the store is full: it takes %d bytes, and counts %d for each key; delete some", maxStore, keyCost)
	}
	return s.write(change{key: key, value: slices.Clone(value)})
}

func (s *store) remove(key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.values[key]; !ok {
		return nil
	}
	return s.write(change{key: key, deleted: true})
}

// write puts a change on disk, then into memory. s.mu is held.
func (s *store) write(c change) error {
	if s.closed {
		return refuse(api.ErrNotReady, "the tunnel was removed")
	}
	if s.journal != nil {
		if err := s.journal.append(c); err != nil {
			return fmt.Errorf("the store cannot be written: %w", err)
		}
	}
	s.apply(c)
	if s.journal != nil && s.journal.size > compactAt(s.size) {
		// It is a matter of size only: if it fails, the long journal goes on.
		_ = s.journal.rewrite(s.all())
	}
	return nil
}

// compactAt: a journal of mostly dead changes is rewritten once it is more than twice what it has to be, and some.
func compactAt(size int) int64 { return int64(2*size + maxStore) }

func (s *store) all() []change {
	out := make([]change, 0, len(s.values))
	for k, v := range s.values {
		out = append(out, change{key: k, value: v})
	}
	return out
}

func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.journal != nil {
		s.journal.close()
	}
}
