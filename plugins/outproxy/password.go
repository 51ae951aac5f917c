package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// authorized checks Basic credentials, in the same time for all.
func authorized(users map[string]string, header string) bool {
	encoded, ok := strings.CutPrefix(header, "Basic ")
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	name, password, found := strings.Cut(string(b), ":")
	given, good := sha256.Sum256([]byte(password)), false
	for user, secret := range users {
		want := sha256.Sum256([]byte(secret))
		if subtle.ConstantTimeCompare(given[:], want[:]) == 1 && subtle.ConstantTimeCompare([]byte(user), []byte(name)) == 1 {
			good = true
		}
	}
	return ok && err == nil && found && good
}
