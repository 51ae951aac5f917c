package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/visitors"
)

// memory is a store.
type memory map[string][]byte

func (m memory) Get(_ context.Context, k string) ([]byte, bool, error) {
	v, ok := m[k]
	return v, ok, nil
}
func (m memory) Delete(_ context.Context, k string) error { delete(m, k); return nil }
func (m memory) Keys(_ context.Context, prefix string) ([]string, error) {
	var keys []string
	for k := range m {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

func (m memory) Put(_ context.Context, k string, v []byte) error {
	total := len(v)
	for other, value := range m {
		if other != k {
			total += len(value) + len(other)
		}
	}
	if len(v) > 64<<10 || total > 1<<20 {
		return fmt.Errorf("%s of %d bytes does not fit", k, len(v))
	}
	m[k] = v
	return nil
}

func clientN(n int) visitors.Peer { return sha256.Sum256([]byte(fmt.Sprint(n))) }

func TestQuotas(t *testing.T) {
	l, now := newLedger(budget{client: 100, total: 150}), time.Unix(86400*20000+3600, 0)
	spend := func(c, n int) error {
		_, err := l.spend(now, clientN(c), n)
		return err
	}
	if spend(1, 60) != nil || spend(1, 61) != nil || !errors.Is(spend(1, 1), errQuota) {
		t.Error("the client's quota does not end what came after it")
	}
	if wait, ok := l.left(now, clientN(1)); ok || wait != 23*time.Hour {
		t.Error(wait, ok)
	}
	if spend(2, 30) != nil || !errors.Is(spend(2, 1), errQuota) {
		t.Error("the quota of all")
	}
	now = now.Add(23 * time.Hour)
	if _, ok := l.left(now, clientN(1)); !ok || spend(1, 10) != nil {
		t.Error("a new day brings no new quota")
	}
}

func TestLedgerSurvives(t *testing.T) {
	ctx, now, m := t.Context(), time.Unix(86400*20000, 0), memory{}
	l := newLedger(budget{client: 100})
	for i := range maxAccounts {
		if _, err := l.spend(now, clientN(i), 40+i%30); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.save(ctx, now, m); err != nil {
		t.Fatal(err)
	}
	again := newLedger(budget{client: 100})
	if err := again.load(ctx, now.Add(time.Hour), m); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 1, 777, maxAccounts - 1} {
		if got, want := again.clients.Get(key(clientN(i))).used, int64(40+i%30); got != want {
			t.Errorf("client %d: %d, want %d", i, got, want)
		}
	}
	if again.total != l.total || again.active() != maxAccounts {
		t.Errorf("total %d %d, %v clients", again.total, l.total, again.active())
	}
	for _, c := range []struct{ ledger, client, n int }{{0, 1, 50}, {1, 2, 60}} { // both go on
		if _, err := []*ledger{l, again}[c.ledger].spend(now.Add(2*time.Hour), clientN(c.client), c.n); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(l.save(ctx, now, m), again.save(ctx, now, m)); err != nil {
		t.Fatal(err)
	}
	third := newLedger(budget{client: 100})
	if err := third.load(ctx, now.Add(time.Hour), m); err != nil || third.clients.Get(key(clientN(1))).used != 91 || third.clients.Get(key(clientN(2))).used != 102 {
		t.Error("of two programs one forgets what the other counted")
	}
	tomorrow := newLedger(budget{client: 100})
	if err := tomorrow.load(ctx, now.Add(24*time.Hour), m); err != nil || tomorrow.total != 0 {
		t.Error("yesterday's quota counts today")
	}
}

func FuzzLedgerRead(f *testing.F) {
	l, m := newLedger(budget{}), memory{}
	now := time.Unix(86400*20000, 0)
	l.spend(now, clientN(1), 5)
	l.save(context.Background(), now, m)
	for _, b := range m {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l := newLedger(budget{client: 1})
		l.read(now, b)
		l.clients.All(func(_ visitors.Peer, a *account) bool {
			if a.used < 0 {
				t.Fatal("somebody has more than nothing")
			}
			return true
		})
	})
}

func TestAuditCountsWithoutContent(t *testing.T) {
	ctx, now, m := t.Context(), time.Date(2026, 1, 30, 23, 0, 0, 0, time.UTC), memory{}
	a := newAudit()
	for range 3 {
		a.count(now, clientN(1), 443, "ok", 1000)
	}
	a.count(now, clientN(2), 25, errDenied, 10)
	if err := a.save(ctx, m); err != nil {
		t.Fatal(err)
	}
	want := []string{clientN(1).Short() + " 443 ok 3 3000", clientN(2).Short() + " 25 http_request_denied 1 10"}
	slices.Sort(want)
	if got := string(m["audit/2026-01-30"]); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("%q, want %q", got, want)
	}
	b := newAudit() // after a restart
	if err := b.load(ctx, now, m); err != nil {
		t.Fatal(err)
	}
	b.count(now, clientN(1), 443, "ok", 1)
	for range 2 * auditDays {
		if err := b.save(ctx, m); err != nil {
			t.Fatal(err)
		}
		now = now.Add(24 * time.Hour)
		b.count(now, clientN(1), 80, "ok", 1)
	}
	if len(m) > auditDays || m["audit/2026-01-30"] != nil {
		t.Errorf("kept: %v", slices.Sorted(maps.Keys(m)))
	}
}

func TestAuditIsBounded(t *testing.T) {
	ctx, now, m := t.Context(), time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC), memory{}
	l := newLedger(budget{})
	for i := range maxAccounts {
		l.spend(now, clientN(i), 1<<40)
	}
	for day := range auditDays + 2 {
		a := newAudit()
		for i := range 3 * auditRows {
			a.count(now.Add(time.Duration(day)*24*time.Hour), clientN(i), uint16(60000+i%5000), errProhibited, 1<<40)
		}
		if err := errors.Join(a.save(ctx, m), l.save(ctx, now, m)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(m[auditName(a.day)]), "other 0 destination_ip_prohibited ") {
			t.Error("what does not fit is not counted")
		}
	}
}
