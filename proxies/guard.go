package proxies

import "context"

// A Guard checks credentials for one proxy and slows down whoever guesses.
type Guard struct{ accounts Accounts }

// NewGuard takes nil for no users.
func NewGuard(a Accounts) *Guard {
	if a == nil {
		a = Users(nil)
	}
	return &Guard{accounts: a}
}

// Required is false if nobody has to say who they are.
func (g *Guard) Required() bool { return g.accounts.Required() }

// Realm and Algorithms are those of the Accounts, for the challenges of HTTP.
func (g *Guard) Realm() string           { return g.accounts.Realm() }
func (g *Guard) Algorithms() []Algorithm { return g.accounts.Algorithms() }

// Password checks a user and password. client is the address that they came from, without its port. It returns
// ErrUnauthorized, ErrTooManyFailures, or ctx's error if that ends during the wait. Without users it lets everybody in.
func (g *Guard) Password(ctx context.Context, client, user, password string) error {
	if !g.accounts.Required() || g.accounts.Verify(user, password) {
		return nil
	}
	return ErrUnauthorized
}

// Digest is Password for HTTP Digest: check gets the user's HA1 and says whether the response fits. It is called for
// users that do not exist, too, with an HA1 that nothing fits.
func (g *Guard) Digest(ctx context.Context, client, user string, a Algorithm, check func(ha1 string) bool) error {
	ha1, known := g.accounts.HA1(user, a)
	if !check(ha1) || !known {
		return ErrUnauthorized
	}
	return nil
}
