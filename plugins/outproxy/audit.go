package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"clove.i2p/plugins/visitors"
)

// audit counts what clients do without saying where: by day, client (six characters of its name), port and outcome. It is kept in
// the tunnel's store, a text for each day under "audit/2026-01-31": lines of client, port, outcome, requests, bytes.
type audit struct {
	mu    sync.Mutex
	day   int64
	rows  map[auditKey]*auditCount
	dirty bool
}

type auditKey struct {
	client  string // "other" when the day has too many
	port    uint16
	outcome string // "ok", or an error of Proxy-Status
}

type auditCount struct{ requests, bytes int64 }

func newAudit() *audit { return &audit{rows: map[auditKey]*auditCount{}} }

func (a *audit) count(now time.Time, p visitors.Peer, port uint16, outcome string, moved int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn(now)
	a.add(auditKey{p.Short(), port, outcome}, 1, moved)
}

// turn begins a new day. mu is held.
func (a *audit) turn(now time.Time) {
	if day := dayOf(now); day != a.day {
		a.day = day
		clear(a.rows)
	}
}

func (a *audit) add(k auditKey, requests, moved int64) {
	row := a.rows[k]
	if row == nil {
		if len(a.rows) >= auditRows {
			k = auditKey{client: "other", outcome: k.outcome} // outcomes are few
			row = a.rows[k]
		}
		if row == nil {
			row = &auditCount{}
			a.rows[k] = row
		}
	}
	row.requests += requests
	row.bytes += moved
	a.dirty = true
}

func auditName(day int64) string {
	return "audit/" + time.Unix(day*86400, 0).UTC().Format(time.DateOnly)
}

// text is the file of the day. mu is held.
func (a *audit) text() []byte {
	keys := make([]auditKey, 0, len(a.rows))
	for k := range a.rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y auditKey) int {
		return cmp.Or(strings.Compare(x.client, y.client), cmp.Compare(x.port, y.port), strings.Compare(x.outcome, y.outcome))
	})
	var b bytes.Buffer
	for _, k := range keys {
		fmt.Fprintf(&b, "%s %d %s %d %d\n", k.client, k.port, k.outcome, a.rows[k].requests, a.rows[k].bytes)
	}
	return b.Bytes()
}

// save writes the day and removes those that are too old.
func (a *audit) save(ctx context.Context, s store) error {
	a.mu.Lock()
	if !a.dirty {
		a.mu.Unlock()
		return nil
	}
	a.dirty = false
	text, name, oldest := a.text(), auditName(a.day), auditName(a.day-auditDays+1)
	a.mu.Unlock()
	keys, err := s.Keys(ctx, "audit/")
	for _, k := range keys {
		if k < oldest && err == nil {
			err = s.Delete(ctx, k)
		}
	}
	if err == nil {
		err = s.Put(ctx, name, text)
	}
	if err != nil {
		a.mu.Lock()
		a.dirty = true
		a.mu.Unlock()
	}
	return err
}

// load goes on with the day's file. Lines that are none are left out.
func (a *audit) load(ctx context.Context, now time.Time, s store) error {
	b, found, err := s.Get(ctx, auditName(dayOf(now)))
	if err != nil || !found {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn(now)
	for line := range strings.Lines(string(b)) {
		var k auditKey
		var requests, moved int64
		if n, err := fmt.Sscanf(line, "%s %d %s %d %d\n", &k.client, &k.port, &k.outcome, &requests, &moved); err == nil && n == 5 && len(k.client) <= 6 {
			a.add(k, requests, moved)
		}
	}
	a.dirty = false
	return nil
}
