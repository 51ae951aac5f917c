package proxies

import "sync/atomic"

// Request is what a client wants.
type Request struct {
	// Listener is the name of the listener that it is connected to, User the ProvenUser.
	Listener, User string
	// Host is as the client gave it, Port 1..65535.
	Host string
	Port int
	// Method is that of HTTP, MethodConnect or MethodUDP.
	Method string
}

// Decision is what becomes of a Request.
type Decision struct {
	Action Action `json:"action"`
	// Host is the one spelling that a Target holds.
	Host string `json:"host,omitempty"`
	Port int    `json:"port,omitempty"`
	Via  string `json:"via,omitempty"`
	// Tunnels is the shape of the tunnels.
	Tunnels Shape `json:"tunnels,omitzero"`
	// Rule is the name of the rule that decided, or "default", or "always" for what no rule can change.
	Rule string `json:"rule"`
	// Why is one sentence without the host.
	Why string `json:"why"`
	// Err is nil unless Action is Block. It unwraps to ErrBadHost or is a RefusedError.
	Err error `json:"-"`
}

// Target is where the stream goes.
func (d Decision) Target(i Isolation) Target {
	return Target{Host: d.Host, Port: d.Port, Via: d.Via, Isolation: i}
}

// Remedy tells how to allow what was blocked; empty where nothing can.
func (d Decision) Remedy() string { return "" }

// Policy decides by Rules that can be changed at any time, and counts what it decides about clearnet traffic.
type Policy struct {
	rules atomic.Pointer[Rules]
	audit audit
}

// NewPolicy takes nil for no rules.
func NewPolicy(rules *Rules) *Policy {
	p := &Policy{}
	p.SetRules(rules)
	return p
}

// SetRules is for requests from now on.
func (p *Policy) SetRules(rules *Rules) { p.rules.Store(rules) }

// Rules are those in force.
func (p *Policy) Rules() *Rules { return p.rules.Load() }

// Decide is called for every request. It takes no lock.
func (p *Policy) Decide(r Request) Decision {
	host, err := ParseHost(r.Host)
	if err != nil {
		return Decision{Action: Block, Rule: "default", Err: err}
	}
	return Decision{Action: ToI2P, Host: host, Port: r.Port, Rule: "default"}
}
