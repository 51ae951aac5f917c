package transport

import "testing"

func TestSessionsLeaveHalfOfTheFiles(t *testing.T) {
	for files, want := range map[uint64]int{1024: 512, 4096: 2048, 1 << 20: DefaultMaxSessions, ^uint64(0): DefaultMaxSessions} {
		if got := sessionsWithin(files); got != want {
			t.Errorf("%d files: %d sessions, want %d", files, got, want)
		}
	}
}
