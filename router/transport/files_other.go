//go:build !unix

package transport

// defaultMaxSessions is DefaultMaxSessions: no bound on open files is known.
func defaultMaxSessions() int { return DefaultMaxSessions }
