package proxies

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Explanation is a Decision and how it came about.
type Explanation struct {
	URL string `json:"url"`
	Decision
	// Network is "i2p" or "clearnet"; empty for what is neither.
	Network string `json:"network,omitempty"`
	Method  string `json:"method,omitempty"`
	// Remedy is how to allow what is blocked.
	Remedy string `json:"remedy,omitempty"`
	// Steps are the rules that were tried, in order.
	Steps []Step `json:"steps"`
}

// Step is one rule that was tried.
type Step struct {
	// Number begins with 1.
	Number  int    `json:"number"`
	Name    string `json:"name"`
	Matched bool   `json:"matched"`
	// Why it did not match, or what it says.
	Why string `json:"why"`
}

// Explain decides on a URL without counting it: http://HOST, https://HOST, udp://HOST:PORT, HOST:PORT or HOST. listener,
// user and method may be empty: then the request comes from a listener or user that no rule names, and the method is the
// scheme's: GET, CONNECT or UDP. The error is about the URL only.
func (p *Policy) Explain(rawURL, listener, user, method string) (Explanation, error) {
	r, err := requestOf(rawURL, method)
	if err != nil {
		return Explanation{}, err
	}
	r.Listener, r.User = listener, user
	rules := p.rules.Load()
	e := Explanation{URL: rawURL, Method: r.Method, Steps: []Step{}}
	e.Decision, _ = rules.decide(r)
	e.Remedy = e.Decision.Remedy()
	if e.Rule == ruleAlways {
		return e, nil
	}
	q, err := parseRequest(r)
	if err != nil {
		return e, nil
	}
	e.Network = [...]string{I2P: "i2p", Clearnet: "clearnet"}[q.network]
	for i := range rules.compiled {
		step := rules.compiled[i].try(&q)
		e.Steps = append(e.Steps, step)
		if step.Matched {
			break
		}
	}
	return e, nil
}

func requestOf(rawURL, method string) (Request, error) {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		scheme, rest = "", rawURL
		if strings.ContainsAny(rest, "/?#@") {
			return Request{}, fmt.Errorf("proxies: explain %q: write http://HOST, https://HOST, udp://HOST:PORT or HOST:PORT", rawURL)
		}
	}
	byDefault, usual := 0, MethodConnect
	switch strings.ToLower(scheme) {
	case "":
		byDefault = 80
	case "http", "ws":
		byDefault, usual = 80, "GET"
	case "https", "wss":
		byDefault = 443
	case "udp":
		usual = MethodUDP
	default:
		return Request{}, fmt.Errorf("proxies: explain %q: the scheme is none of http, https and udp", rawURL)
	}
	authority := rest
	if scheme != "" {
		u, err := url.Parse("http://" + rest)
		if err != nil {
			return Request{}, fmt.Errorf("proxies: explain: this is no URL; write it like http://example.i2p/")
		}
		authority = u.Host
	}
	if a := parseAddress(authority); a.Is6() { // without brackets
		authority = "[" + strings.Trim(authority, "[]") + "]"
	}
	host, port, err := SplitHostPort(authority, byDefault)
	if err != nil {
		return Request{}, fmt.Errorf("proxies: explain %q: the port is missing or no port", rawURL)
	}
	if method == "" {
		method = usual
	}
	return Request{Host: host, Port: port, Method: strings.ToUpper(method)}, nil
}

// try is find for one rule, without the tables, and says why.
func (c *compiledRule) try(q *query) Step {
	s := Step{Number: c.number, Name: c.name}
	for _, p := range c.patterns {
		if p.matches(q) {
			s.Why = c.misfitText(q)
			if s.Matched = s.Why == ""; s.Matched {
				s.Why = fmt.Sprintf("%s matches; %s", p, c.decision.Why)
			}
			return s
		}
	}
	s.Why = "the host does not match " + patternList(c.patterns)
	for _, p := range c.patterns {
		if p.kind == belowHost && p.text == q.host {
			s.Why += fmt.Sprintf("; %s is for the names below %s, so add that itself", p, p.text)
		}
	}
	return s
}

// misfitText is misfit for people.
func (c *compiledRule) misfitText(q *query) string {
	orNone := func(s string) string {
		if s == "" {
			return "none"
		}
		return strconv.Quote(s)
	}
	switch c.misfit(q) {
	case "":
		return ""
	case misfitListener:
		return fmt.Sprintf("listener is %s, the rule wants %q", orNone(q.Listener), c.listener)
	case misfitUser:
		return fmt.Sprintf("user is %s, the rule wants %q, with a password that was checked", orNone(q.User), c.user)
	case misfitPort:
		return fmt.Sprintf("port is %d, the rule wants %v", q.Port, c.ports)
	case misfitMethod:
		return fmt.Sprintf("method is %s, the rule wants %v", q.Method, c.methods)
	default:
		return c.misfit(q)
	}
}

func patternList(patterns []pattern) string {
	var b strings.Builder
	for i, p := range patterns {
		if i == maxShown {
			fmt.Fprintf(&b, " and %d more", len(patterns)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// Refused gives the Refusal of a decision's error.
func (d Decision) Refused() (Refusal, bool) {
	var refused *RefusedError
	if !errors.As(d.Err, &refused) {
		return 0, false
	}
	return refused.Why, true
}
