package proxies

import (
	"crypto/sha256"
	"crypto/subtle"
)

// Users maps user names to passwords. An empty one lets everybody in; user and password then only isolate.
type Users map[string]string

// Allow takes the same time whether the user exists or not.
func (u Users) Allow(user, password string) bool {
	if len(u) == 0 {
		return true
	}
	want, known := u[user]
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && known
}
