package proxies

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// UsersFile holds the users of a file. It looks for changes when it is asked, and once a second at most.
//
//	OpenUsersFile -> Verify, HA1 from any goroutine ... Reload
type UsersFile struct {
	path  string
	table atomic.Pointer[userTable]
	cache passwordCache
	slots chan struct{} // of bcrypt

	mu     sync.Mutex // of reading the file
	seen   fileState
	looked atomic.Int64 // Unix nanoseconds
	err    atomic.Pointer[error]
}

type fileState struct {
	size    int64
	changed time.Time
}

// OpenUsersFile reads a file of lines that htpasswd -B, htdigest and others write:
//
//	user:$2y$...             bcrypt
//	user:realm:MD5           HA1, 32 hex digits
//	user:realm:SHA-256:HEX   HA1 of RFC 7616, 64 hex digits
//
// A user may have a line of each kind. All realms are the same. Empty lines and those that begin with # do not count. The
// file must not be open to everybody. A file without users lets nobody in.
func OpenUsersFile(path string) (*UsersFile, error) {
	f := &UsersFile{path: path, slots: make(chan struct{}, maxBcrypt)}
	_, _ = rand.Read(f.cache.secret[:])
	f.cache.known = make(map[cacheKey]bool)
	if err := f.Reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Reload reads the file again; after an error the users are those of before.
func (f *UsersFile) Reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reload()
}

// reload is called with f.mu held.
func (f *UsersFile) reload() error {
	state, table, err := readUsers(f.path)
	f.seen = state // even then: a wrong file is not read every second
	if err != nil {
		err = fmt.Errorf("proxies: users file %s: %w", f.path, err)
		f.err.Store(&err)
		return err
	}
	f.err.Store(nil)
	f.table.Store(table)
	f.cache.clear()
	return nil
}

// Err is that of the last reading: the users in force may be older than the file.
func (f *UsersFile) Err() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Count of the users in force.
func (f *UsersFile) Count() int { return len(f.current().users) }

// current reads the file again if it changed. Only one caller at a time does; the others get the users of before.
func (f *UsersFile) current() *userTable {
	now := time.Now().UnixNano()
	last := f.looked.Load()
	if now-last < int64(usersLook) || !f.looked.CompareAndSwap(last, now) {
		return f.table.Load()
	}
	if f.mu.TryLock() {
		defer f.mu.Unlock()
		if info, err := os.Stat(f.path); err != nil || stateOf(info) != f.seen {
			_ = f.reload()
		}
	}
	return f.table.Load()
}

func stateOf(info os.FileInfo) fileState { return fileState{info.Size(), info.ModTime()} }

func readUsers(path string) (fileState, *userTable, error) {
	file, err := os.Open(path)
	if err != nil {
		return fileState{}, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fileState{}, nil, err
	}
	state := stateOf(info)
	switch {
	case !info.Mode().IsRegular():
		return state, nil, fmt.Errorf("is no regular file")
	case info.Mode().Perm()&0o007 != 0:
		return state, nil, fmt.Errorf("everybody on this computer can open it; run chmod 640 %s", path)
	case info.Size() > maxUsersFile:
		return state, nil, fmt.Errorf("has %d bytes, more than %d", info.Size(), maxUsersFile)
	}
	b, err := io.ReadAll(io.LimitReader(file, maxUsersFile))
	if err != nil {
		return state, nil, err
	}
	table, err := parseUsers(b)
	return state, table, err
}

// Required is true: a file without users lets nobody in.
func (f *UsersFile) Required() bool { return true }

// Realm is that of the file's lines, or DefaultRealm.
func (f *UsersFile) Realm() string { return f.current().realm }

// Algorithms are those of which there are lines.
func (f *UsersFile) Algorithms() []Algorithm { return f.current().algorithms }

// HA1 is a line's.
func (f *UsersFile) HA1(user string, a Algorithm) (string, bool) {
	ha1, known := f.current().users[user].ha1[a]
	return ha1, known
}

// Verify takes the same time for users that do not exist as for those that have a bcrypt line, if there are any. What was
// right once is remembered, as bcrypt takes some 100 ms, until the file changes.
func (f *UsersFile) Verify(user, password string) bool {
	table := f.current()
	u, known := table.users[user]
	if !known {
		u = table.nobody
	}
	switch {
	case len(u.bcrypt) > 0:
		return f.verifyBcrypt(table, u.bcrypt, user, password) && known
	default:
		a := SHA256
		if u.ha1[a] == "" {
			a = MD5
		}
		return equal(ha1(user, table.realm, password, a), u.ha1[a]) && known
	}
}

func (f *UsersFile) verifyBcrypt(table *userTable, hash []byte, user, password string) bool {
	if len(password) > maxBcryptPassword {
		return false // bcrypt would not look at the rest, and the library refuses it
	}
	key := f.cache.key(hash, user, password)
	if f.cache.has(key) {
		return true
	}
	f.slots <- struct{}{}
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	<-f.slots
	if err == nil && f.table.Load() == table {
		f.cache.put(key)
	}
	return err == nil
}

var _ Accounts = (*UsersFile)(nil)
