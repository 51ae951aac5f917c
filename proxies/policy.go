package proxies

import (
	"errors"
	"fmt"
	"sync/atomic"
)

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
	// Host is the one spelling that a Target holds; empty if it could not be parsed or is refused always.
	Host string `json:"host,omitempty"`
	Port int    `json:"port,omitempty"`
	Via  string `json:"via,omitempty"`
	// Tunnels is the shape of the tunnels.
	Tunnels Shape `json:"tunnels,omitzero"`
	// Rule is the name of the rule that decided, or "default", or "always" for what no rule can change.
	Rule string `json:"rule"`
	// Why is one sentence without the host.
	Why string `json:"why"`
	// Err is nil unless Action is Block. It unwraps to ErrBadHost, or to ErrRefused: mostly it is a RefusedError.
	Err error `json:"-"`
}

// Names that no rule may have.
const (
	ruleDefault = "default"
	ruleAlways  = "always"
	ruleOther   = "(other)"
)

// Target is where the stream goes.
func (d Decision) Target(i Isolation) Target {
	return Target{Host: d.Host, Port: d.Port, Via: d.Via, Isolation: i}
}

// Remedy tells how to allow what was blocked; empty where nothing can. Host and rule name are in it, so escape it.
func (d Decision) Remedy() string {
	switch {
	case d.Action != Block || d.Rule == ruleAlways:
		return ""
	case d.Rule == ruleDefault:
		return fmt.Sprintf("To allow it, add to clove.toml and reload:\n\n[[proxies.rules]]\nmatch = %q\naction = \"outproxy\"\nvia = \"NAME\"\n\n"+
			"NAME is a tunnel of type outproxy-client.", d.Host)
	default:
		return fmt.Sprintf("To allow it, change %q in clove.toml, or put a rule in front of it, and reload.", d.Rule)
	}
}

// Policy decides by Rules that can be changed at any time, and counts what it decides about clearnet traffic.
type Policy struct {
	rules atomic.Pointer[Rules]
	audit audit
}

// NewPolicy takes nil for no rules: all of I2P is let through and nothing else.
func NewPolicy(rules *Rules) *Policy {
	p := &Policy{}
	p.audit.start()
	p.SetRules(rules)
	return p
}

// SetRules is for requests from now on.
func (p *Policy) SetRules(rules *Rules) {
	if rules == nil {
		rules = &Rules{}
	}
	p.rules.Store(rules)
}

// Rules are those in force.
func (p *Policy) Rules() *Rules { return p.rules.Load() }

// Decide is called for every request. It takes no lock.
func (p *Policy) Decide(r Request) Decision {
	d, clearnet := p.rules.Load().decide(r)
	if clearnet {
		p.audit.count(r.Listener, &d)
	}
	return d
}

// decide tells, too, whether the request was for the clearnet: not for I2P, nor malformed.
func (r *Rules) decide(req Request) (d Decision, clearnet bool) {
	q, err := parseRequest(req)
	switch {
	case err != nil:
		return always(err), !errors.Is(err, ErrBadHost)
	case q.network == Clearnet && q.Method == MethodUDP:
		return always(errClearnetUDP), true
	case q.host == SelfHost:
		return always(errSelfHost), false
	}
	if rule := r.find(&q); rule != nil {
		d = rule.decision
	} else {
		d = byDefault(&q)
	}
	d.Host, d.Port = q.host, q.Port
	return d, q.network == Clearnet
}

func parseRequest(r Request) (query, error) {
	host, network, err := ParseAnyHost(r.Host)
	if err != nil {
		return query{}, err
	}
	if r.Port < 1 || r.Port > 65535 {
		return query{}, errNoPort
	}
	q := query{Request: r, host: host, network: network}
	if network == Clearnet {
		q.address = parseAddress(host)
	}
	return q, nil
}

var (
	errNoPort   = fmt.Errorf("proxies: port: %w", ErrBadHost)
	errSelfHost = fmt.Errorf("%w: the name of this proxy", ErrRefused)
)

func byDefault(q *query) Decision {
	if q.network == I2P {
		return Decision{Action: ToI2P, Rule: ruleDefault, Why: "no rule matches, and what is in I2P is allowed by default"}
	}
	return Decision{
		Action: Block, Rule: ruleDefault, Why: "no rule matches, and what is outside of I2P is blocked by default",
		Err: notI2P(q.host),
	}
}

func always(err error) Decision {
	d := Decision{Action: Block, Rule: ruleAlways, Err: err}
	var refused *RefusedError
	switch {
	case errors.Is(err, ErrBadHost):
		d.Why = "no host or port can look like this"
	case errors.As(err, &refused):
		d.Why = alwaysWhy[refused.Why]
	default:
		d.Why = "this is the name of the HTTP proxy's own pages"
	}
	return d
}

var alwaysWhy = map[Refusal]string{
	LocalHost:    "addresses of this computer and of private networks are refused, whatever the rules say",
	PrivateName:  "names of private networks are refused, whatever the rules say",
	OtherNetwork: "names of networks other than I2P and the Internet are refused, whatever the rules say",
	ClearnetUDP:  "UDP does not leave I2P, whatever the rules say",
}
