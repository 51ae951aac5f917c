//go:build unix

package transport

import "golang.org/x/sys/unix"

// defaultMaxSessions is DefaultMaxSessions, or less where the system does not allow that many open files.
func defaultMaxSessions() int {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return DefaultMaxSessions
	}
	return sessionsWithin(uint64(files.Cur)) //nolint:unconvert // it is an int64 on FreeBSD
}
