package proxies

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Action of a rule.
type Action string

const (
	// ToI2P opens a stream inside I2P, ToOutproxy one to the outproxy tunnel that Via names; Block refuses.
	ToI2P      Action = "i2p"
	ToOutproxy Action = "outproxy"
	Block      Action = "block"
)

// MethodConnect is the method of HTTP's CONNECT and of SOCKS, MethodUDP that of SOCKS packets.
const (
	MethodConnect = "CONNECT"
	MethodUDP     = "UDP"
)

// A Rule is what the configuration says. Every condition that is set has to hold; the first rule that matches decides.
//
// A rule with action i2p is passed over by clearnet hosts, and one with action outproxy by those of I2P: so "*" is "all
// that this action can be for".
type Rule struct {
	// Name is for errors, explanations and the audit; "rule 3" if empty.
	Name string `json:"name,omitempty"`
	// Match lists host patterns; none is "*". They are about what was typed: a destination's name, b32 name and base64
	// are three hosts.
	//
	//	example.i2p        this name only
	//	*.example.org      the names below it, not itself
	//	*                  any name, address or destination
	//	*.i2p              all that is in I2P, destinations in base64 included
	//	9.9.9.9, 9.9.0.0/16, 2a00::/12
	Match []string `json:"match,omitempty"`
	// Listener is the name of one. User is that of one who proved it: a listener without users has none.
	Listener string `json:"listener,omitempty"`
	User     string `json:"user,omitempty"`
	// Ports are numbers and ranges: "80", "8000-8999".
	Ports []string `json:"ports,omitempty"`
	// Methods are those of HTTP requests; MethodConnect is for SOCKS, too, and MethodUDP for its packets.
	Methods []string `json:"methods,omitempty"`
	// Action and, for outproxy, the tunnel.
	Action Action `json:"action"`
	Via    string `json:"via,omitempty"`
	// Length and Quantity of the tunnels of the destination that the stream leaves from; see Shape.
	Length   int `json:"length,omitempty"`
	Quantity int `json:"quantity,omitempty"`
}

// Rules are compiled and do not change.
//
// Each pattern is a key in one of the tables below; the value lists the rules that have it, ascending. A decision merges
// the lists that the host belongs to and takes the first rule whose other conditions hold.
type Rules struct {
	list     []Rule
	compiled []compiledRule

	exact    map[string][]int       // by host
	below    map[string][]int       // *.KEY by KEY
	networks map[netip.Prefix][]int // addresses are whole prefixes
	bits     []prefixLength         // that networks has
	any      []int
	allI2P   []int // *.i2p
}

type prefixLength struct {
	v4   bool
	bits int
}

// A RuleError says what is wrong with one key of a rule, and what to write instead.
type RuleError struct {
	// Number begins with 1; Name may be empty.
	Number int
	Name   string
	// Key of the rule, as the configuration spells it.
	Key string
	// Problem and remedy.
	Problem string
}

func (e *RuleError) Error() string {
	name := ""
	if e.Name != "" {
		name = fmt.Sprintf(" (%s)", e.Name)
	}
	return fmt.Sprintf("rule %d%s: %s: %s", e.Number, name, e.Key, e.Problem)
}

// NewRules compiles. The error joins a RuleError for every mistake.
func NewRules(rules []Rule) (*Rules, error) {
	if len(rules) > maxRules {
		return nil, fmt.Errorf("proxies: %d rules are more than %d; put hosts into one rule's match list", len(rules), maxRules)
	}
	r := &Rules{
		list: slices.Clone(rules), compiled: make([]compiledRule, len(rules)),
		exact: make(map[string][]int), below: make(map[string][]int), networks: make(map[netip.Prefix][]int),
	}
	var errs []error
	names := make(map[string]int)
	for i, rule := range rules {
		wrong := func(key, format string, a ...any) {
			errs = append(errs, &RuleError{Number: i + 1, Name: rule.Name, Key: key, Problem: fmt.Sprintf(format, a...)})
		}
		if first, twice := names[rule.Name]; twice {
			wrong("name", "rule %d has the same; choose another", first)
		} else if rule.Name != "" {
			names[rule.Name] = i + 1
		}
		r.compiled[i] = compileRule(i, rule, wrong)
		patterns := rule.Match
		if len(patterns) == 0 {
			patterns = []string{"*"}
		}
		if len(patterns) > maxPatterns {
			wrong("match", "%d patterns are more than %d; split the rule", len(patterns), maxPatterns)
			continue
		}
		for _, s := range patterns {
			p, problem := parsePattern(s, rule.Action)
			if problem != "" {
				wrong("match", "%s", problem)
				continue
			}
			r.compiled[i].patterns = append(r.compiled[i].patterns, p)
			r.index(i, p)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return r, nil
}

// List is a copy of the rules.
func (r *Rules) List() []Rule { return slices.Clone(r.list) }

func (r *Rules) index(i int, p pattern) {
	add := func(list []int) []int {
		if n := len(list); n > 0 && list[n-1] == i {
			return list
		}
		return append(list, i)
	}
	switch p.kind {
	case anyHost:
		r.any = add(r.any)
	case anyI2P:
		r.allI2P = add(r.allI2P)
	case exactHost:
		r.exact[p.text] = add(r.exact[p.text])
	case belowHost:
		r.below[p.text] = add(r.below[p.text])
	case addresses:
		r.networks[p.prefix] = add(r.networks[p.prefix])
		if b := (prefixLength{p.prefix.Addr().Is4(), p.prefix.Bits()}); !slices.Contains(r.bits, b) {
			r.bits = append(r.bits, b)
		}
	}
}

// find returns the first rule for a request, or nil.
func (r *Rules) find(q *query) *compiledRule {
	lists := make([][]int, 0, 16) // stays on the stack
	add := func(list []int) {
		if len(list) > 0 {
			lists = append(lists, list)
		}
	}
	add(r.any)
	if q.network == I2P {
		add(r.allI2P)
	}
	if q.address.IsValid() {
		for _, b := range r.bits {
			if b.v4 == q.address.Is4() {
				p, _ := q.address.Prefix(b.bits)
				add(r.networks[p])
			}
		}
	} else {
		add(r.exact[q.host])
		for rest := q.host; len(r.below) > 0; {
			dot := strings.IndexByte(rest, '.')
			if dot < 0 {
				break
			}
			rest = rest[dot+1:]
			add(r.below[rest])
		}
	}
	for {
		least := -1
		for i, list := range lists {
			if len(list) > 0 && (least < 0 || list[0] < lists[least][0]) {
				least = i
			}
		}
		if least < 0 {
			return nil
		}
		rule := &r.compiled[lists[least][0]]
		if rule.misfit(q) == "" {
			return rule
		}
		lists[least] = lists[least][1:]
	}
}
