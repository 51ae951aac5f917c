package netdb

import "errors"

// Errors of lookups, publications and stores. They are compared with errors.Is.
var (
	// ErrNotReady: the view has no tunnels yet.
	ErrNotReady = errors.New("netdb: no tunnel is ready")
	// ErrNoFloodfill: no floodfill is known that could be asked.
	ErrNoFloodfill = errors.New("netdb: no floodfill is known")
	// ErrNotFound: the closest floodfills do not know the key.
	ErrNotFound = errors.New("netdb: not found")
	// ErrNotConfirmed: no floodfill confirmed a publication.
	ErrNotConfirmed = errors.New("netdb: publication is not confirmed")
	// ErrNotVerified: another floodfill does not have what was published.
	ErrNotVerified = errors.New("netdb: publication is not verified")
	// ErrBusy: too many lookups are under way.
	ErrBusy = errors.New("netdb: too many lookups")
	// ErrInvalid: an entry was refused: signature, network, age, size.
	ErrInvalid = errors.New("netdb: invalid entry")
	// errAbandoned ends a shared lookup whose first caller gave up.
	errAbandoned = errors.New("netdb: lookup abandoned")
	// ErrDamaged: the database file cannot be read.
	ErrDamaged = errors.New("netdb: damaged file")
)
