package proxies_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"clove.i2p/proxies"
)

func hashOf(t testing.TB, password string, cost int) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(h), "$2a$", "$2y$", 1) // as htpasswd writes it
}

func usersFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The example of RFC 7616 section 3.9.1, which gives user, realm and password; the HA1s are md5sum's and sha256sum's of
// "Mufasa:http-auth@example.org:Circle of Life".
const (
	mufasaMD5    = "3d78807defe7de2157e2b0b6573a855f"
	mufasaSHA256 = "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
	mufasaRealm  = "http-auth@example.org"
)

func TestUsersFile(t *testing.T) {
	f, err := proxies.OpenUsersFile(usersFile(t, "# people\n\nalice:"+hashOf(t, "pw", bcrypt.MinCost)+"\r\n"+
		"Mufasa:"+mufasaRealm+":"+strings.ToUpper(mufasaMD5)+"\nMufasa:"+mufasaRealm+":SHA-256:"+mufasaSHA256+"\n"+
		"old:"+mufasaRealm+":"+mufasaMD5))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from the cache
		for _, tt := range []struct {
			user, password string
			want           bool
		}{
			{"alice", "pw", true}, {"alice", "px", false}, {"alice", "", false}, {"alice", strings.Repeat("p", 100), false},
			{"Alice", "pw", false}, {"nobody", "pw", false}, {"", "", false},
			{"Mufasa", "Circle of Life", true}, {"Mufasa", "Circle of Lif", false}, {"Mufasa", mufasaMD5, false},
			{"old", "Circle of Life", false}, // the user is part of the hash
		} {
			if got := f.Verify(tt.user, tt.password); got != tt.want {
				t.Errorf("%s, %.10s: %v", tt.user, tt.password, got)
			}
		}
	}
	if !f.Required() || f.Realm() != mufasaRealm || f.Count() != 3 || fmt.Sprint(f.Algorithms()) != "[SHA-256 MD5]" {
		t.Errorf("realm %q, %d users, %v", f.Realm(), f.Count(), f.Algorithms())
	}
	for a, want := range map[proxies.Algorithm]string{proxies.MD5: mufasaMD5, proxies.SHA256: mufasaSHA256} {
		if got, ok := f.HA1("Mufasa", a); got != want || !ok {
			t.Errorf("%s: %q", a, got)
		}
	}
	if _, ok := f.HA1("alice", proxies.MD5); ok {
		t.Error("bcrypt has no HA1")
	}
}

func TestPlainUsersHaveHA1(t *testing.T) {
	u := proxies.Users{"Mufasa": "Circle of Life"}
	// printf 'Mufasa:clove:Circle of Life' | md5sum
	if got, ok := u.HA1("Mufasa", proxies.MD5); got != "b91952151a9e52655d704cf471926d7c" || !ok {
		t.Errorf("%q, %v", got, ok)
	}
	if _, ok := u.HA1("x", proxies.MD5); ok {
		t.Error("no such user")
	}
}

func TestUsersFileErrorsNameLineAndRemedyButNoSecret(t *testing.T) {
	good := "alice:" + hashOf(t, "pw", bcrypt.MinCost) + "\n"
	for content, want := range map[string]string{
		good + "bob:secret":                              `line 2: user "bob": the password is not hashed with bcrypt; write one with htpasswd -B`,
		"bob:$apr1$secret$" + mufasaMD5:                  "htpasswd -B",
		"bob:{SHA}secretsecretsecretsecret":              "htpasswd -B",
		"bob":                                            "line 1: has no colon",
		":secret":                                        "user names have",
		"bob\xff:secret":                                 "user names have",
		"bob:r:secret":                                   "want 32 hex digits for MD5",
		"bob:r:SHA-256:secret":                           "want 64 hex digits for SHA-256",
		"bob:r:SHA-256:" + mufasaMD5:                     "want 64 hex digits for SHA-256",
		"bob:r:SHA-512-256:secret":                       "not SHA-256",
		"bob:a\"b:" + mufasaMD5:                          "realms have",
		"bob::" + mufasaMD5:                              "realms have",
		good + good:                                      `line 2: user "alice" has another line of this kind`,
		"a:r:" + mufasaMD5 + "\nb:s:" + mufasaMD5:        `line 2: user "b": the realm is "s" here and "r" further up`,
		"bob:$2y$31$" + strings.Repeat("a", 53):          "at most 15",
		"bob:$2y$04$short":                               "htpasswd -B",
		"bob:" + strings.Repeat("secret", 500):           "more than 1024",
		strings.Repeat("secret:x\n", 3):                  "line 3",
		strings.Repeat("#"+strings.Repeat("x", 99), 1e5): "more than 4194304",
	} {
		_, err := proxies.OpenUsersFile(usersFile(t, content))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v; want %q", content, err, want)
			continue
		}
		if _, after, _ := strings.Cut(err.Error(), "/users: "); strings.Contains(strings.ReplaceAll(after, `"secret"`, ""), "secret") {
			t.Errorf("%.30q: the error shows what may be a password: %v", content, err)
		}
	}
	if _, err := proxies.OpenUsersFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	open := usersFile(t, good)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := proxies.OpenUsersFile(open); err == nil || !strings.Contains(err.Error(), "chmod 640") {
		t.Error(err)
	}
	if f, err := proxies.OpenUsersFile(usersFile(t, "")); err != nil || !f.Required() || f.Verify("", "") {
		t.Errorf("an empty file lets nobody in: %v", err)
	}
}

func TestUsersFileIsReadAgainWhenItChanges(t *testing.T) {
	path := usersFile(t, "alice:"+hashOf(t, "pw", bcrypt.MinCost)+"\n")
	f, err := proxies.OpenUsersFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !f.Verify("alice", "pw") {
		t.Fatal("alice")
	}
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("alice:" + hashOf(t, "new", bcrypt.MinCost) + "\nbob:" + hashOf(t, "b", bcrypt.MinCost) + "\n")
	eventually(t, func() bool { return f.Verify("bob", "b") })
	if f.Verify("alice", "pw") || !f.Verify("alice", "new") {
		t.Error("the old password is right")
	}
	write("broken")
	eventually(t, func() bool { _ = f.Verify("bob", "b"); return f.Err() != nil })
	if !f.Verify("alice", "new") {
		t.Error("a wrong file took the users away")
	}
	if err := f.Reload(); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Error(err)
	}
	write("bob:" + hashOf(t, "b", bcrypt.MinCost) + "\n")
	if err := f.Reload(); err != nil || f.Err() != nil || f.Verify("alice", "new") || f.Count() != 1 {
		t.Errorf("%v, %d users", err, f.Count())
	}
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 400 {
		if done() {
			return
		}
		<-tick.C
	}
	t.Fatal("it did not happen within 20 s")
}

// bcrypt of cost 10 takes some 50 ms; 200 checks of it in a row would take 10 s.
func BenchmarkVerifyCached(b *testing.B) {
	f, err := proxies.OpenUsersFile(usersFile(b, "alice:"+hashOf(b, "pw", bcrypt.DefaultCost)))
	if err != nil {
		b.Fatal(err)
	}
	f.Verify("alice", "pw")
	b.ReportAllocs()
	for b.Loop() {
		if !f.Verify("alice", "pw") {
			b.Fatal("wrong")
		}
	}
}

func FuzzUsersFile(f *testing.F) {
	for _, s := range []string{
		"", "a:b", "a:r:" + mufasaMD5, "a:r:SHA-256:" + mufasaSHA256, "#x\n\r\n", "a:" + hashOf(f, "x", bcrypt.MinCost), "a:$2y$04$",
	} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "users")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		u, err := proxies.OpenUsersFile(path)
		if err != nil {
			return
		}
		if u.Realm() == "" || strings.ContainsAny(u.Realm(), "\"\r\n") {
			t.Fatalf("realm %q", u.Realm())
		}
		if u.Verify("nobody at all", "x") {
			t.Fatal("nobody is let in")
		}
	})
}

// counting accounts know alice, and how often they are asked.
type counting struct {
	proxies.Users
	asked atomic.Int64
}

func (c *counting) Verify(user, password string) bool {
	c.asked.Add(1)
	return c.Users.Verify(user, password)
}

func TestGuardSlowsGuessersDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := proxies.NewGuard(&counting{Users: proxies.Users{"alice": "pw"}})
		try := func(client, user, password string) (time.Duration, error) {
			begin := time.Now()
			err := g.Password(t.Context(), client, user, password)
			return time.Since(begin), err
		}
		for i, want := range []time.Duration{0, 0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 8000} {
			d, err := try("1.1.1.1", fmt.Sprint("user", i), "guess")
			if d != want*time.Millisecond || !errors.Is(err, proxies.ErrUnauthorized) || errors.Is(err, proxies.ErrTooManyFailures) {
				t.Errorf("guess %d took %v, %v", i, d, err)
			}
		}
		if d, err := try("2.2.2.2", "alice", "pw"); d != 0 || err != nil {
			t.Errorf("another client: %v, %v", d, err)
		}
		if d, err := try("1.1.1.1", "alice", "pw"); d != 8*time.Second || err != nil {
			t.Errorf("the right password of a guesser: %v, %v", d, err)
		}
		if d, err := try("1.1.1.1", "", ""); d != 0 || !errors.Is(err, proxies.ErrUnauthorized) {
			t.Errorf("no credentials: %v, %v", d, err)
		}
		time.Sleep(10 * time.Minute)
		if d, _ := try("1.1.1.1", "alice", "pw"); d != 0 {
			t.Errorf("not forgotten: %v", d)
		}
		// From many clients, one user.
		for i := range 50 {
			_, _ = try(fmt.Sprint(i), "alice", "guess")
		}
		if d, err := try("3.3.3.3", "alice", "pw"); d != 250*time.Millisecond || err != nil {
			t.Errorf("%v, %v", d, err)
		}
		if d, _ := try("3.3.3.3", "alice", "pw"); d != 0 {
			t.Errorf("after a right password: %v", d)
		}
	})
}

func TestGuardLimitsWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counting{Users: proxies.Users{"alice": "pw"}}
		g := proxies.NewGuard(c)
		for range 20 {
			_ = g.Password(t.Context(), "x", "alice", "guess")
		}
		asked := c.asked.Load()
		results := make(chan error, 100)
		for range 100 {
			go func() { results <- g.Password(t.Context(), "x", "alice", "guess") }()
		}
		synctest.Wait()
		if len(results) != 92 || c.asked.Load() != asked {
			t.Errorf("%d are turned away at once, %d passwords were checked", len(results), c.asked.Load()-asked)
		}
		tooMany := 0
		for range 100 {
			if err := <-results; errors.Is(err, proxies.ErrTooManyFailures) {
				tooMany++
			}
		}
		if tooMany != 92 {
			t.Errorf("%d are told so", tooMany)
		}
	})
}

func TestGuardDigest(t *testing.T) {
	g := proxies.NewGuard(proxies.Users{"alice": "pw"})
	for _, user := range []string{"alice", "nobody"} {
		for _, a := range []proxies.Algorithm{proxies.MD5, proxies.SHA256} {
			var got string
			err := g.Digest(t.Context(), "x", user, a, func(ha1 string) bool { got = ha1; return true })
			if size := map[proxies.Algorithm]int{proxies.MD5: 32, proxies.SHA256: 64}[a]; len(got) != size || (err == nil) != (user == "alice") {
				t.Errorf("%s, %s: HA1 of %d, %v", user, a, len(got), err)
			}
		}
	}
	if err := g.Digest(t.Context(), "x", "alice", proxies.MD5, func(string) bool { return false }); !errors.Is(err, proxies.ErrUnauthorized) {
		t.Error(err)
	}
	if g := proxies.NewGuard(nil); g.Required() || g.Password(t.Context(), "x", "", "") != nil {
		t.Error("without users everybody is let in")
	}
}
