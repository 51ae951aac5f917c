package portmap

import "time"

const (
	// maxPorts: one of each transport and IP version, and room for as many.
	maxPorts = 8
	// DefaultLease: RFC 6886 section 3.3 recommends two hours; with one a gateway that does not know that we died keeps the
	// port for less.
	DefaultLease = time.Hour
	maxLease     = 24 * time.Hour
)
