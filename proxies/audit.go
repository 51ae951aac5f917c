package proxies

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Audit is what was decided about clearnet traffic. It names no hosts and no users.
type Audit struct {
	// Since is when counting began.
	Since   time.Time `json:"since"`
	Allowed uint64    `json:"allowed"`
	Blocked uint64    `json:"blocked"`
	// Entries are sorted by listener, rule, action and reason. Beyond maxSeries of them, what is new is counted under
	// the listener and rule "(other)".
	Entries []AuditEntry `json:"entries"`
}

// AuditEntry counts the decisions that are alike.
type AuditEntry struct {
	Listener string `json:"listener"`
	// Rule is the name of a rule, "default" or "always".
	Rule   string `json:"rule"`
	Action Action `json:"action"`
	Via    string `json:"via,omitempty"`
	// Reason is "rule", or the text of a Refusal.
	Reason string    `json:"reason"`
	Count  uint64    `json:"count"`
	Last   time.Time `json:"last"` // to the second
}

// audit counts without a lock once a series exists. Series stay when rules change: what was decided was decided.
type audit struct {
	since  time.Time
	series sync.Map // auditKey to *auditCell
	known  atomic.Int64
}

type auditKey struct {
	listener, rule, via string
	action              Action
	why                 Refusal
}

type auditCell struct {
	count atomic.Uint64
	last  atomic.Int64 // Unix seconds
}

func (a *audit) start() { a.since = time.Now() }

func (a *audit) count(listener string, d *Decision) {
	key := auditKey{listener: listener, rule: d.Rule, via: d.Via, action: d.Action, why: ByRule}
	var refused *RefusedError
	if errors.As(d.Err, &refused) {
		key.why = refused.Why
	}
	c := a.cell(key)
	c.count.Add(1)
	c.last.Store(time.Now().Unix())
}

func (a *audit) cell(key auditKey) *auditCell {
	if c, ok := a.series.Load(key); ok {
		return c.(*auditCell)
	}
	if a.known.Load() >= maxSeries {
		key.listener, key.rule, key.via = ruleOther, ruleOther, ""
	}
	c, had := a.series.LoadOrStore(key, new(auditCell))
	if !had {
		a.known.Add(1)
	}
	return c.(*auditCell)
}

// Audit is a snapshot.
func (p *Policy) Audit() Audit {
	s := Audit{Since: p.audit.since, Entries: []AuditEntry{}}
	p.audit.series.Range(func(k, v any) bool {
		key, cell := k.(auditKey), v.(*auditCell)
		e := AuditEntry{
			Listener: key.listener, Rule: key.rule, Action: key.action, Via: key.via, Reason: key.why.String(),
			Count: cell.count.Load(), Last: time.Unix(cell.last.Load(), 0).UTC(),
		}
		if e.Action == Block {
			s.Blocked += e.Count
		} else {
			s.Allowed += e.Count
		}
		s.Entries = append(s.Entries, e)
		return true
	})
	slices.SortFunc(s.Entries, func(a, b AuditEntry) int {
		return cmp.Or(cmp.Compare(a.Listener, b.Listener), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Action, b.Action),
			cmp.Compare(a.Via, b.Via), cmp.Compare(a.Reason, b.Reason))
	})
	return s
}
