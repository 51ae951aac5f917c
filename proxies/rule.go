package proxies

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// compiledRule is a Rule that was checked, with the answers that it gives.
type compiledRule struct {
	number   int
	name     string
	patterns []pattern
	listener string
	user     string
	ports    []portRange
	methods  []string
	decision Decision // without host and port
}

type portRange struct{ from, to int }

// query is a Request whose host was parsed.
type query struct {
	Request
	host    string
	network Network
	address netip.Addr // valid for an address
}

// What keeps a rule from deciding, the host aside.
const (
	misfitI2P      = "action outproxy is not for I2P: an outproxy would learn of it"
	misfitClearnet = "action i2p is not for hosts outside of I2P"
	misfitListener = "another listener"
	misfitUser     = "another user"
	misfitPort     = "another port"
	misfitMethod   = "another method"
)

// misfit is one of them, or empty.
func (c *compiledRule) misfit(q *query) string {
	switch {
	case q.network == I2P && c.decision.Action == ToOutproxy:
		return misfitI2P
	case q.network == Clearnet && c.decision.Action == ToI2P:
		return misfitClearnet
	case c.listener != "" && c.listener != q.Listener:
		return misfitListener
	case c.user != "" && c.user != q.User:
		return misfitUser
	case len(c.ports) > 0 && !slices.ContainsFunc(c.ports, func(r portRange) bool { return r.from <= q.Port && q.Port <= r.to }):
		return misfitPort
	case len(c.methods) > 0 && !slices.ContainsFunc(c.methods, func(m string) bool { return strings.EqualFold(m, q.Method) }):
		return misfitMethod
	}
	return ""
}

func compileRule(i int, rule Rule, wrong func(key, format string, a ...any)) compiledRule {
	c := compiledRule{number: i + 1, name: rule.Name, listener: rule.Listener, user: rule.User}
	if c.name == "" {
		c.name = fmt.Sprintf("rule %d", i+1)
	}
	switch {
	case len(rule.Name) > maxRuleName || !isPrintable(rule.Name):
		wrong("name", "want at most %d printable ASCII characters", maxRuleName)
	case c.name == ruleDefault || c.name == ruleAlways || c.name == ruleOther:
		wrong("name", "%q has a meaning of its own; choose another", c.name)
	}
	for _, s := range rule.Ports {
		r, ok := parsePorts(s)
		if !ok {
			wrong("ports", "%q is neither a port nor a range; write 80 or 8000-8999", s)
		}
		c.ports = append(c.ports, r)
	}
	for _, m := range rule.Methods {
		if !isToken(m) {
			wrong("methods", "%q is no method; write GET, POST, CONNECT or UDP", m)
		}
		c.methods = append(c.methods, strings.ToUpper(m))
	}
	switch rule.Action {
	case ToI2P, Block:
		if rule.Via != "" {
			wrong("via", "goes with action = %q only; take it out", ToOutproxy)
		}
	case ToOutproxy:
		if rule.Via == "" {
			wrong("via", "is missing; name a tunnel of type outproxy-client")
		}
		if slices.Contains(c.methods, MethodUDP) {
			wrong("methods", "UDP leaves I2P through no outproxy; take it out")
		}
	case "":
		wrong("action", "is missing; write i2p, outproxy or block")
	default:
		wrong("action", "%q is none of i2p, outproxy and block", rule.Action)
	}
	if rule.Length < -1 || rule.Length > maxTunnelLength {
		wrong("length", "%d hops; write 1 to %d, or -1 for none", rule.Length, maxTunnelLength)
	}
	if rule.Quantity < 0 || rule.Quantity > maxTunnelQuantity {
		wrong("quantity", "%d tunnels; write 1 to %d", rule.Quantity, maxTunnelQuantity)
	}
	if rule.Action == Block && (rule.Length != 0 || rule.Quantity != 0) {
		wrong("length", "what is blocked needs no tunnels; take length and quantity out")
	}
	c.decision = Decision{
		Action: rule.Action, Via: rule.Via, Tunnels: Shape{Length: rule.Length, Quantity: rule.Quantity}, Rule: c.name,
		Why: c.says(rule),
	}
	if rule.Action == Block {
		c.decision.Err = &RefusedError{Why: ByRule, Rule: c.name}
	}
	return c
}

func (c *compiledRule) says(rule Rule) string {
	action := string(rule.Action)
	if rule.Via != "" {
		action += " via " + rule.Via
	}
	if rule.Name == "" {
		return fmt.Sprintf("rule %d says %s", c.number, action)
	}
	return fmt.Sprintf("rule %d (%s) says %s", c.number, rule.Name, action)
}

func parsePorts(s string) (portRange, bool) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	from, err := ParsePort(strings.TrimSpace(first))
	to, err2 := ParsePort(strings.TrimSpace(last))
	return portRange{from, to}, err == nil && err2 == nil && from <= to
}

// isToken is RFC 9110's token.
func isToken(s string) bool {
	return s != "" && len(s) <= maxRuleName && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f })
}

func (r portRange) String() string {
	if r.from == r.to {
		return strconv.Itoa(r.from)
	}
	return fmt.Sprintf("%d-%d", r.from, r.to)
}
