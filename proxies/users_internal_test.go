package proxies

import (
	"errors"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Otherwise the time of an answer would tell which users exist.
func TestNobodyCostsAsMuchAsAUser(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("pw"), 5)
	if err != nil {
		t.Fatal(err)
	}
	table, err := parseUsers([]byte("alice:" + string(hash) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if cost, err := bcrypt.Cost(table.nobody.bcrypt); cost != 5 || err != nil {
		t.Errorf("cost %d, %v", cost, err)
	}
	// A malformed hash would be refused before the work is done.
	if err := bcrypt.CompareHashAndPassword(table.nobody.bcrypt, []byte("pw")); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Error(err)
	}
}

func TestPasswordCacheIsBounded(t *testing.T) {
	c := passwordCache{known: make(map[cacheKey]bool)}
	for i := range 3 * maxCached {
		c.put(c.key(nil, string(rune(i)), ""))
	}
	if len(c.known) != maxCached || !c.has(c.key(nil, string(rune(3*maxCached-1)), "")) {
		t.Errorf("%d", len(c.known))
	}
}

func TestFailuresAreBounded(t *testing.T) {
	g := NewGuard(Users{"alice": "pw"})
	for range 100 {
		g.fail([2]failureKey{{client: "guesser"}, {user: "alice"}})
	}
	for i := range 3 * maxFailing {
		g.fail([2]failureKey{{client: "guesser"}, {user: string(rune(i + 1000))}})
	}
	if len(g.failures) > maxFailing || g.failures[failureKey{client: "guesser"}].count != 100+3*maxFailing {
		t.Errorf("%d, the guesser has %d", len(g.failures), g.failures[failureKey{client: "guesser"}].count)
	}
}
