package proxies

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// Algorithm of HTTP Digest authentication, RFC 7616, as its header spells it.
type Algorithm string

const (
	SHA256 Algorithm = "SHA-256"
	MD5    Algorithm = "MD5"
)

// DefaultRealm is that of users who have none of their own.
const DefaultRealm = "clove"

// Accounts are who may use a listener: Users in memory or a UsersFile. A Guard checks credentials against them.
type Accounts interface {
	// Required is false if nobody has to say who they are.
	Required() bool
	// Verify takes the same time whether the user exists or not.
	Verify(user, password string) bool
	// Realm is what Digest clients are asked for.
	Realm() string
	// Algorithms are those of Digest that work for some user, the strongest first.
	Algorithms() []Algorithm
	// HA1 is H(user:realm:password) in lower-case hex, for the realm that Realm says.
	HA1(user string, a Algorithm) (ha1 string, known bool)
}

// Users maps user names to passwords. An empty one lets everybody in; user and password then only isolate.
type Users map[string]string

// Allow is Verify, and true for everybody if there are no users.
func (u Users) Allow(user, password string) bool { return len(u) == 0 || u.Verify(user, password) }

// Required tells whether there are users.
func (u Users) Required() bool { return len(u) > 0 }

// Verify takes the same time whether the user exists or not.
func (u Users) Verify(user, password string) bool {
	want, known := u[user]
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && known
}

// Realm is DefaultRealm.
func (u Users) Realm() string { return DefaultRealm }

// Algorithms are all: the passwords are known.
func (u Users) Algorithms() []Algorithm { return []Algorithm{SHA256, MD5} }

// HA1 hashes the password.
func (u Users) HA1(user string, a Algorithm) (string, bool) {
	password, known := u[user]
	return ha1(user, u.Realm(), password, a), known
}

func ha1(user, realm, password string, a Algorithm) string {
	s := []byte(user + ":" + realm + ":" + password)
	if a == MD5 {
		sum := md5.Sum(s)
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(s)
	return hex.EncodeToString(sum[:])
}

var _ Accounts = Users(nil)
