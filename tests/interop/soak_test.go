//go:build linux

package interop_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"clove.i2p/tests/interop"
)

// The soak test: what clove has open in the minute after warmUp may grow by growth until the last minute.
const (
	warmUp       = 2 * time.Minute
	sampleTime   = time.Minute
	growth       = 1.05
	soakDownload = 1 << 20
)

// TestSoak downloads in a loop for longer than a tunnel lives, which is 10 minutes. No request may fail.
func TestSoak(t *testing.T) {
	if os.Getenv("CLOVE_INTEROP_SOAK") == "" {
		t.Skip("set CLOVE_INTEROP_SOAK=12m, and -timeout 20m, for a download loop of 12 minutes")
	}
	duration, err := time.ParseDuration(os.Getenv("CLOVE_INTEROP_SOAK"))
	if err != nil || duration < warmUp+2*sampleTime {
		t.Fatalf("CLOVE_INTEROP_SOAK=%s: want a duration of at least %v (%v)", os.Getenv("CLOVE_INTEROP_SOAK"), warmUp+2*sampleTime, err)
	}
	if deadline, ok := t.Deadline(); ok && time.Until(deadline) < duration+4*time.Minute {
		t.Fatalf("a loop of %v does not fit: give -timeout %v", duration, duration+5*time.Minute)
	}
	n := startNetwork(t, []string{interop.NTCP2, interop.SSU2})
	c := startProgram(t, n, "run", "run")
	ctx, cancel := context.WithTimeout(t.Context(), duration+2*time.Minute)
	defer cancel()
	ready, err := c.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	v, err := interop.NewProxyVisitor(n.Eepsite, "http://"+ready.HTTPProxy)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var early, late samples
	downloads, slowest := 0, time.Duration(0)
	for time.Since(began) < duration {
		t0 := time.Now()
		if err := v.Download(ctx, soakDownload); err != nil {
			t.Fatalf("after %v, %d downloads: %v", time.Since(began).Round(time.Second), downloads, err)
		}
		downloads++
		slowest = max(slowest, time.Since(t0))
		switch at := time.Since(began); {
		case at > warmUp && at < warmUp+sampleTime:
			early.take(ctx, t, c)
		case at > duration-sampleTime:
			late.take(ctx, t, c)
		}
	}
	t.Logf("sessions: %d in minute 3, %d at the end", median(early.sessions), median(late.sessions))
	t.Logf("%d downloads of %d bytes, the slowest took %v", downloads, soakDownload, slowest.Round(time.Millisecond))
	for _, what := range []struct {
		name        string
		early, late []int
	}{{"goroutines", early.goroutines, late.goroutines}, {"file descriptors", early.descriptors, late.descriptors}} {
		before, after := median(what.early), median(what.late)
		t.Logf("%s: %d in minute 3, %d at the end", what.name, before, after)
		if float64(after) > growth*float64(before) {
			t.Errorf("%s grew from %d to %d", what.name, before, after)
		}
	}
	checkStatus(ctx, t, c, 2)
}

// samples of what a clove has open.
type samples struct{ goroutines, descriptors, sessions []int }

func (s *samples) take(ctx context.Context, t *testing.T, c *interop.Clove) {
	t.Helper()
	status, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.goroutines = append(s.goroutines, status.Process.Goroutines)
	s.sessions = append(s.sessions, len(status.Sessions))
	s.descriptors = append(s.descriptors, status.Process.FileDescriptors)
}

// median of at least one number.
func median(all []int) int {
	slices.Sort(all)
	return all[len(all)/2]
}
