package proxies_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/tests/proxytest"
)

type readyAt time.Time

func (r readyAt) Ready() (bool, string) { return !time.Now().Before(time.Time(r)), "building" }

func TestOpenWaitsForTheRouterWithinItsLimit(t *testing.T) {
	for _, tt := range []struct {
		readyIn, wait time.Duration
		ok            bool
	}{{0, 0, true}, {3 * time.Second, 20 * time.Second, true}, {time.Minute, 20 * time.Second, false}, {time.Second, 0, false}} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			near, far := net.Pipe()
			defer near.Close()
			defer far.Close()
			o := proxies.Opener{
				Dialer:    proxytest.DialFunc(func(context.Context, proxies.Target) (net.Conn, error) { return near, nil }),
				Readiness: readyAt(begin.Add(tt.readyIn)), ReadyWait: tt.wait, DialTimeout: time.Second,
			}
			_, err := o.Open(t.Context(), proxies.Target{})
			if (err == nil) != tt.ok {
				t.Errorf("%+v: %v", tt, err)
			}
			var notReady *proxies.NotReadyError
			if !tt.ok && (!errors.As(err, &notReady) || notReady.Progress != "building" || time.Since(begin) != tt.wait) {
				t.Errorf("%+v: %v after %v", tt, err, time.Since(begin))
			}
			if tt.ok && time.Since(begin) > tt.readyIn+time.Second {
				t.Errorf("%+v: took %v", tt, time.Since(begin))
			}
		})
	}
}

func TestOpenDialsAgainWhileTheDialerIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		o := proxies.Opener{ReadyWait: 10 * time.Second, DialTimeout: time.Second, Dialer: proxytest.DialFunc(
			func(context.Context, proxies.Target) (net.Conn, error) {
				if dials++; dials < 4 {
					return nil, fmt.Errorf("router: %w", proxies.ErrNotReady)
				}
				return nil, proxies.ErrUnknownHost
			})}
		if _, err := o.Open(t.Context(), proxies.Target{}); !errors.Is(err, proxies.ErrUnknownHost) || dials != 4 {
			t.Errorf("%v after %d dials", err, dials)
		}
	})
}

func TestOpenEndsWithItsContextAndItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		late := proxies.Opener{DialTimeout: time.Minute, Dialer: proxytest.DialFunc(
			func(ctx context.Context, _ proxies.Target) (net.Conn, error) {
				<-ctx.Done()
				return near, nil // a stream that came too late
			})}
		begin := time.Now()
		_, err := late.Open(t.Context(), proxies.Target{})
		if proxies.Classify(err) != proxies.ReasonTimeout || time.Since(begin) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if _, err := near.Read(make([]byte, 1)); err == nil {
			t.Error("the late stream is open")
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := late.Open(ctx, proxies.Target{}); proxies.Classify(err) != proxies.ReasonHangUp {
			t.Error(err)
		}
		waiting := proxies.Opener{Readiness: readyAt(begin.Add(24 * time.Hour)), ReadyWait: time.Hour}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := waiting.Open(ctx, proxies.Target{}); proxies.Classify(err) != proxies.ReasonTimeout {
			t.Error(err)
		}
	})
}

func TestCanonicalHost(t *testing.T) {
	b32 := hash + ".b32.i2p"
	for _, tt := range []struct {
		conn net.Conn
		host string
		want string
	}{
		{named(b32), "example.i2p", b32},
		{named(b32), b32, b32},
		{nil, b32, b32},
		{nil, "example.i2p", ""},
		{named(""), "example.i2p", ""},
		{named("example.i2p"), "example.i2p", ""},
		{named("x\r\n"), "example.i2p", ""},
	} {
		got, err := proxies.CanonicalHost(tt.conn, proxies.Target{Host: tt.host})
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%v %q: %q, %v", tt.conn, tt.host, got, err)
		}
	}
}

type namedConn struct {
	net.Conn
	name string
}

func named(s string) net.Conn         { return namedConn{name: s} }
func (c namedConn) Base32() string    { return c.name }
func (c namedConn) CloseWrite() error { return nil }

func TestUsersAndIsolation(t *testing.T) {
	u := proxies.Users{"a": "x"}
	for _, tt := range []struct {
		user, password string
		ok             bool
	}{{"a", "x", true}, {"a", "", false}, {"a", "y", false}, {"b", "x", false}, {"b", "", false}, {"", "", false}} {
		if u.Allow(tt.user, tt.password) != tt.ok {
			t.Errorf("%+v", tt)
		}
	}
	if !proxies.Users(nil).Allow("anybody", "") {
		t.Error("no users let nobody in")
	}
	seen := map[proxies.Isolation]bool{}
	for _, k := range [][3]string{{"l", "", ""}, {"m", "", ""}, {"l", "a", ""}, {"l", "", "a"}, {"l", "a", "b"}, {"l", "a\x00b", ""}} {
		key := proxies.NewIsolation(k[0], k[1], k[2])
		if seen[key] {
			t.Errorf("%q is not a key of its own", k)
		}
		seen[key] = true
	}
}
