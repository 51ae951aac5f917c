package proxies

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

// userTable is a users file that was read. It does not change.
type userTable struct {
	realm      string
	algorithms []Algorithm
	users      map[string]userLines
	nobody     userLines // whom to check a password against if there is no such user
}

// userLines are what the file says of one user.
type userLines struct {
	bcrypt []byte
	ha1    map[Algorithm]string // lower-case hex
}

// nobodyHash has the form of a bcrypt hash and belongs to no known password. Its cost is replaced by that of the file's lines.
const nobodyHash = "$2a$10$7EqJtq98hPqEX7fNZaFWoO5S0q7v2Vf1oJw0mUQ6Cqv0v0r5jHh2K"

func parseUsers(b []byte) (*userTable, error) {
	t := &userTable{users: make(map[string]userLines), nobody: userLines{ha1: map[Algorithm]string{SHA256: "-", MD5: "-"}}}
	var errs []error
	number, used, cost := 0, map[Algorithm]bool{}, 0
	for line := range bytes.Lines(b) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		l, err := parseUserLine(string(line))
		if err == nil {
			err = t.add(l)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", number, err))
			if len(errs) == maxShown {
				break
			}
			continue
		}
		if l.bcrypt != nil {
			c, _ := bcrypt.Cost(l.bcrypt)
			cost = max(cost, c)
		} else {
			used[l.algorithm] = true
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, a := range []Algorithm{SHA256, MD5} {
		if used[a] {
			t.algorithms = append(t.algorithms, a)
		}
	}
	if t.realm == "" {
		t.realm = DefaultRealm
	}
	if cost > 0 {
		t.nobody.bcrypt = fmt.Appendf(nil, "$2a$%02d$%s", cost, nobodyHash[len("$2a$10$"):])
	}
	return t, nil
}

// userLine is one line: bcrypt, or the rest.
type userLine struct {
	user, realm string
	bcrypt      []byte
	algorithm   Algorithm
	ha1         string
}

const userLineRemedy = "write one with htpasswd -B FILE USER, or htdigest FILE REALM USER"

// parseUserLine never puts into an error what stands behind the first colon.
func parseUserLine(s string) (userLine, error) {
	user, rest, ok := strings.Cut(s, ":")
	switch {
	case len(s) > maxUserLine:
		return userLine{}, fmt.Errorf("%d bytes are more than %d", len(s), maxUserLine)
	case !ok:
		return userLine{}, errors.New("has no colon; " + userLineRemedy)
	case user == "" || len(user) > maxUser || !utf8.ValidString(user):
		return userLine{}, fmt.Errorf("user names have 1 to %d bytes of UTF-8", maxUser)
	}
	l := userLine{user: user}
	realm, hash, isDigest := strings.Cut(rest, ":")
	if !isDigest {
		if _, err := bcrypt.Cost([]byte(rest)); err != nil || len(rest) != bcryptLength {
			return userLine{}, fmt.Errorf("user %q: the password is not hashed with bcrypt; %s", user, userLineRemedy)
		}
		if c, _ := bcrypt.Cost([]byte(rest)); c > maxBcryptCost {
			return userLine{}, fmt.Errorf("user %q: bcrypt's cost is %d, which takes minutes; at most %d", user, c, maxBcryptCost)
		}
		l.bcrypt = []byte(rest)
		return l, nil
	}
	l.realm, l.algorithm = realm, MD5
	if name, value, ok := strings.Cut(hash, ":"); ok {
		if !strings.EqualFold(name, string(SHA256)) {
			return userLine{}, fmt.Errorf("user %q: the algorithm is not SHA-256; lines of MD5 name none", user)
		}
		l.algorithm, hash = SHA256, value
	}
	size := map[Algorithm]int{MD5: 32, SHA256: 64}[l.algorithm]
	if _, err := hex.DecodeString(hash); err != nil || len(hash) != size {
		return userLine{}, fmt.Errorf("user %q: want %d hex digits for %s", user, size, l.algorithm)
	}
	if realm == "" || len(realm) > maxUser || !utf8.ValidString(realm) || strings.ContainsFunc(realm, isControl) || strings.ContainsAny(realm, `"\`) {
		return userLine{}, fmt.Errorf("user %q: realms have 1 to %d bytes of UTF-8 without quotes", user, maxUser)
	}
	l.ha1 = strings.ToLower(hash)
	return l, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func (t *userTable) add(l userLine) error {
	u := t.users[l.user]
	if u.ha1 == nil {
		u.ha1 = make(map[Algorithm]string, 2)
	}
	switch {
	case l.bcrypt != nil && u.bcrypt != nil, l.bcrypt == nil && u.ha1[l.algorithm] != "":
		return fmt.Errorf("user %q has another line of this kind; take one out", l.user)
	case l.bcrypt != nil:
		u.bcrypt = l.bcrypt
	case t.realm != "" && t.realm != l.realm:
		return fmt.Errorf("user %q: the realm is %q here and %q further up; a proxy asks for one, so make all the same", l.user, l.realm, t.realm)
	default:
		t.realm = l.realm
		u.ha1[l.algorithm] = l.ha1
	}
	t.users[l.user] = u
	return nil
}
