package proxies

import "time"

// Audit is what was decided about clearnet traffic. It names no hosts and no users.
type Audit struct {
	// Since is when counting began.
	Since   time.Time `json:"since"`
	Allowed uint64    `json:"allowed"`
	Blocked uint64    `json:"blocked"`
	// Entries are sorted by listener, rule, action and reason.
	Entries []AuditEntry `json:"entries"`
}

// AuditEntry counts the decisions that are alike.
type AuditEntry struct {
	Listener string    `json:"listener"`
	Rule     string    `json:"rule"`
	Action   Action    `json:"action"`
	Via      string    `json:"via,omitempty"`
	Reason   string    `json:"reason"`
	Count    uint64    `json:"count"`
	Last     time.Time `json:"last"`
}

type audit struct{}

// Audit is a snapshot.
func (p *Policy) Audit() Audit { return Audit{} }
