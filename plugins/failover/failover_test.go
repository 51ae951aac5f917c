package failover_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/plugins/failover"
)

func TestOrderPutsTheFailedLastForAWhile(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := failover.New([]string{"a", "b", "c"}, false)
	want := func(after time.Duration, order ...string) {
		t.Helper()
		if got := l.Order(now.Add(after)); !slices.Equal(got, order) {
			t.Errorf("after %v: %v, want %v", after, got, order)
		}
	}
	want(0, "a", "b", "c")
	l.Note("a", now, false)
	want(0, "b", "c", "a")
	l.Note("b", now.Add(time.Second), false)
	want(time.Second, "c", "a", "b")
	if l.Down() {
		t.Error("down with one that did not fail")
	}
	l.Note("c", now.Add(2*time.Second), false)
	want(2*time.Second, "a", "b", "c")
	if !l.Down() {
		t.Error("not down")
	}
	l.Note("b", now, true)
	want(3*time.Second, "b", "a", "c")
	want(time.Hour, "a", "b", "c")
	l.Note("unknown", now, false)
}

func TestShuffleBeginsWithEach(t *testing.T) {
	l := failover.New([]string{"a", "b", "c"}, true)
	begun := map[string]bool{}
	for range 1000 {
		order := l.Order(time.Unix(0, 0))
		begun[order[0]] = true
		if slices.Sort(order); !slices.Equal(order, []string{"a", "b", "c"}) {
			t.Fatal(order)
		}
	}
	if len(begun) != 3 {
		t.Errorf("began with %v only", begun)
	}
}

func TestDialTriesTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad, hangs := errors.New("bad"), errors.New("hangs")
		var tried []string
		l := failover.New([]string{"bad", "hangs", "good"}, false)
		dial := func(ctx context.Context, address string) (net.Conn, error) {
			tried = append(tried, address)
			switch address {
			case "bad":
				return nil, bad
			case "hangs":
				<-ctx.Done()
				return nil, hangs
			}
			c, other := net.Pipe()
			_ = other.Close()
			return c, nil
		}
		start := time.Now()
		c, err := l.Dial(t.Context(), 10*time.Second, dial)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		if took := time.Since(start); took != 10*time.Second || !slices.Equal(tried, []string{"bad", "hangs", "good"}) {
			t.Errorf("%v, %v", tried, took)
		}
		tried = nil
		if c, err = l.Dial(t.Context(), time.Second, dial); err != nil || !slices.Equal(tried, []string{"good"}) {
			t.Errorf("the second time: %v, %v", tried, err)
		}
		_ = c.Close()

		l = failover.New([]string{"bad", "hangs"}, false)
		if _, err := l.Dial(t.Context(), time.Second, dial); err != bad {
			t.Errorf("all failed: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l = failover.New([]string{"hangs"}, false)
		if _, err := l.Dial(ctx, time.Minute, dial); !errors.Is(err, context.DeadlineExceeded) || l.Down() {
			t.Errorf("ctx ended: %v; that is no fault of the destination", err)
		}
	})
}
