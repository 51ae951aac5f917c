package naming_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/naming"
)

type book map[string]*i2p.Destination

func (b book) Destination(name string) (*i2p.Destination, bool) {
	d, ok := b[name]
	return d, ok
}

var errNotFound = errors.New("no LeaseSet")

// network answers every lookup with the one LeaseSet, or with errNotFound.
type network struct {
	ls      i2p.LeaseSet
	lookups int
}

func (n *network) Lookup(_ context.Context, h i2p.Hash) (i2p.LeaseSet, error) {
	n.lookups++
	if n.ls == nil {
		return nil, errNotFound
	}
	return n.ls, nil
}

func newSite(t *testing.T) (*i2p.Destination, i2p.LeaseSet) {
	t.Helper()
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	ls, err := i2p.NewLeaseSet2(k, time.Now(), nil, i2p.Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	return k.Destination, ls
}

func TestResolve(t *testing.T) {
	site, ls := newSite(t)
	for name, c := range map[string]struct {
		host    string
		lookups int
	}{
		"name":                 {"example.i2p", 0},
		"upper case":           {"EXAMPLE.I2P", 0},
		"final dot":            {"example.i2p.", 0},
		"alt":                  {"example.i2p.alt", 0},
		"international":        {"xn--bcher-kva.i2p", 0},
		"base64":               {site.Base64(), 0},
		"base64 with suffix":   {site.Base64() + ".i2p", 0},
		"base32":               {site.Base32(), 1},
		"base32 in upper case": {strings.ToUpper(site.Base32()), 1},
	} {
		n := &network{ls: ls}
		r := naming.New(book{"example.i2p": site, "xn--bcher-kva.i2p": site}, n)
		h, err := r.ResolveHash(c.host)
		if err != nil || h != site.Hash() || n.lookups != 0 {
			t.Errorf("%s: hash %v, %v, %d lookups", name, h.Short(), err, n.lookups)
		}
		d, err := r.Resolve(t.Context(), c.host)
		if err != nil || d.Hash() != site.Hash() || n.lookups != c.lookups {
			t.Errorf("%s: %v, %d lookups", name, err, n.lookups)
		}
	}
}

func TestUnknownHosts(t *testing.T) {
	site, ls := newSite(t)
	label := strings.TrimSuffix(site.Base32(), ".b32.i2p")
	n := &network{ls: ls}
	r := naming.New(book{}, n)
	for name, c := range map[string]struct {
		host string
		err  error
	}{
		"not in the book":           {"other.i2p", naming.ErrUnknownHost},
		"empty":                     {"", naming.ErrInvalidHost},
		"clearnet":                  {"example.org", naming.ErrInvalidHost},
		"only the suffix":           {".i2p", naming.ErrInvalidHost},
		"suffix without dot":        {"i2p", naming.ErrInvalidHost},
		"address":                   {"127.0.0.1", naming.ErrInvalidHost},
		"two dots":                  {"a..i2p", naming.ErrInvalidHost},
		"begins with -":             {"-a.i2p", naming.ErrInvalidHost},
		"part ends with -":          {"a-.b.i2p", naming.ErrInvalidHost},
		"--":                        {"a--b.i2p", naming.ErrInvalidHost},
		"-- twice":                  {"xn--a--b.i2p", naming.ErrInvalidHost},
		"underscore":                {"a_b.i2p", naming.ErrInvalidHost},
		"control character":         {"a\r\n.i2p", naming.ErrInvalidHost},
		"NUL":                       {"example.org\x00.i2p", naming.ErrInvalidHost},
		"space":                     {"a b.i2p", naming.ErrInvalidHost},
		"Kelvin sign":               {"\u212a.i2p", naming.ErrInvalidHost},
		"port":                      {"a.i2p:80", naming.ErrInvalidHost},
		"68 characters":             {strings.Repeat("a", 64) + ".i2p", naming.ErrInvalidHost},
		"67 characters":             {strings.Repeat("a", 63) + ".i2p", naming.ErrUnknownHost},
		"51 characters":             {label[:51] + ".b32.i2p", naming.ErrInvalidHost},
		"53 characters":             {label + "a.b32.i2p", naming.ErrInvalidHost},
		"not base32":                {"1" + label[1:] + ".b32.i2p", naming.ErrInvalidHost},
		"unused bits":               {label[:51] + "z.b32.i2p", naming.ErrInvalidHost},
		"below base32":              {"www." + site.Base32(), naming.ErrInvalidHost},
		"blinded":                   {strings.Repeat("a", 56) + ".b32.i2p", naming.ErrBlinded},
		"endless":                   {strings.Repeat("a", 400) + ".b32.i2p", naming.ErrInvalidHost},
		"damaged base64":            {"!" + site.Base64()[1:], naming.ErrInvalidHost},
		"base64 with more after it": {site.Base64()[:522] + "AAAA", naming.ErrInvalidHost},
	} {
		_, err := r.Resolve(t.Context(), c.host)
		if !errors.Is(err, c.err) || !errors.Is(err, naming.ErrUnknownHost) {
			t.Errorf("%s: %v", name, err)
		}
		if c.err == naming.ErrUnknownHost && errors.Is(err, naming.ErrInvalidHost) {
			t.Errorf("%s is a valid name: %v", name, err)
		}
		if _, err = r.ResolveHash(c.host); !errors.Is(err, c.err) {
			t.Errorf("%s: hash: %v", name, err)
		}
	}
	if n.lookups != 0 {
		t.Errorf("%d lookups for hosts that cannot be", n.lookups)
	}
}

func TestLookupErrorsAreNotUnknownHosts(t *testing.T) {
	site, _ := newSite(t)
	_, err := naming.New(book{}, &network{}).Resolve(t.Context(), site.Base32())
	if !errors.Is(err, errNotFound) || errors.Is(err, naming.ErrUnknownHost) {
		t.Error(err)
	}
}

func TestLeaseSetOfAnotherDestinationIsRefused(t *testing.T) {
	site, _ := newSite(t)
	_, other := newSite(t)
	if d, err := naming.New(book{}, &network{ls: other}).Resolve(t.Context(), site.Base32()); err == nil {
		t.Errorf("resolved to %v", d)
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("Example.i2p.alt.")
	f.Fuzz(func(t *testing.T, s string) {
		name, err := naming.Normalize(s)
		if err != nil {
			return
		}
		if again, err := naming.Normalize(name); err != nil || again != name {
			t.Fatalf("%q becomes %q becomes %q, %v", s, name, again, err)
		}
	})
}
