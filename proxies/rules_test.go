package proxies_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"clove.i2p/proxies"
)

func rules(t testing.TB, list ...proxies.Rule) *proxies.Rules {
	t.Helper()
	r, err := proxies.NewRules(list)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var destination = strings.Repeat("Aa0-~", 103) + "="

// verdict is short for what a table wants: "i2p RULE", "outproxy VIA RULE" or "block REFUSAL RULE".
func verdict(d proxies.Decision) string {
	switch d.Action {
	case proxies.ToOutproxy:
		return fmt.Sprintf("outproxy %s %s", d.Via, d.Rule)
	case proxies.Block:
		why, ok := d.Refused()
		if !ok {
			return fmt.Sprintf("block %v %s", proxies.Classify(d.Err), d.Rule)
		}
		return fmt.Sprintf("block %v %s", why, d.Rule)
	}
	return string(d.Action) + " " + d.Rule
}

func TestDefaultIsI2POnly(t *testing.T) {
	p := proxies.NewPolicy(nil)
	for host, want := range map[string]string{
		"Example.i2p": "i2p default", hash + ".b32.i2p": "i2p default", destination: "i2p default",
		"clear.example": "block not an .i2p name default", "9.9.9.9": "block IPv4 address default", "[2a00::1]": "block IPv6 address default",
		"localhost": "block local address always", "127.1": "block local address always", "x.onion": "block name of another network always",
		"nas.local": "block private name always", "a b": "block bad request always", "proxy.i2p": "block refused always",
	} {
		d := p.Decide(proxies.Request{Host: host, Port: 80, Method: "GET"})
		if got := verdict(d); got != want {
			t.Errorf("%.40s: %s, want %s", host, got, want)
		}
		if d.Why == "" || (d.Err == nil) != (d.Action != proxies.Block) || strings.Contains(d.Why, "example") {
			t.Errorf("%.40s: %+v", host, d)
		}
		if (d.Remedy() != "") != (d.Rule == "default" && d.Action == proxies.Block) {
			t.Errorf("%.40s: %q", host, d.Remedy())
		}
	}
	if got := p.Decide(proxies.Request{Host: "Example.i2p", Port: 7}).Target(proxies.Isolation{}); got != (proxies.Target{Host: "example.i2p", Port: 7}) {
		t.Errorf("%+v", got)
	}
	if got := verdict(p.Decide(proxies.Request{Host: "example.i2p"})); got != "block bad request always" {
		t.Errorf("port 0: %s", got)
	}
}

func TestFirstRuleThatMatchesDecides(t *testing.T) {
	p := proxies.NewPolicy(rules(t,
		proxies.Rule{Name: "bad", Match: []string{"bad.i2p", "*.bad.i2p", "tracker.example"}, Action: proxies.Block},
		proxies.Rule{Name: "posts", Match: []string{"*.i2p"}, Methods: []string{"post", "PUT"}, Listener: "public", Action: proxies.Block},
		proxies.Rule{Name: "fast", Match: []string{"games.i2p"}, Action: proxies.ToI2P, Length: 1, Quantity: 5},
		proxies.Rule{Name: "mail", Ports: []string{"25", "465-587"}, Action: proxies.Block},
		proxies.Rule{Name: "alice", User: "alice", Action: proxies.ToOutproxy, Via: "hers"},
		proxies.Rule{Name: "org", Match: []string{"*.Example.org", "example.org"}, Action: proxies.ToOutproxy, Via: "exit"},
		proxies.Rule{Name: "net", Match: []string{"9.9.0.0/16", "2a00::/16", "8.8.8.8"}, Action: proxies.ToOutproxy, Via: "exit"},
		proxies.Rule{Match: []string{"udp.i2p"}, Methods: []string{"UDP"}, Action: proxies.Block},
		proxies.Rule{Name: "zero", Match: []string{"zero.i2p"}, Action: proxies.ToI2P, Length: -1},
	))
	for _, tt := range []struct {
		r    proxies.Request
		want string
	}{
		{proxies.Request{Host: "bad.i2p"}, "block rule bad"},
		{proxies.Request{Host: "a.b.BAD.i2p"}, "block rule bad"},
		{proxies.Request{Host: "notbad.i2p"}, "i2p default"},
		{proxies.Request{Host: "tracker.example", User: "alice"}, "block rule bad"},
		{proxies.Request{Host: "a.tracker.example", User: "alice"}, "outproxy hers alice"},
		{proxies.Request{Host: "a.i2p", Method: "POST", Listener: "public"}, "block rule posts"},
		{proxies.Request{Host: destination, Method: "PUT", Listener: "public"}, "block rule posts"},
		{proxies.Request{Host: "a.i2p", Method: "GET", Listener: "public"}, "i2p default"},
		{proxies.Request{Host: "a.i2p", Method: "POST", Listener: "home"}, "i2p default"},
		{proxies.Request{Host: "games.i2p"}, "i2p fast"},
		{proxies.Request{Host: "a.i2p", Port: 25}, "block rule mail"},
		{proxies.Request{Host: "x.example.org", Port: 500}, "block rule mail"},
		{proxies.Request{Host: "x.example.org", Port: 588}, "outproxy exit org"},
		{proxies.Request{Host: "example.org"}, "outproxy exit org"},
		{proxies.Request{Host: "notexample.org"}, "block not an .i2p name default"},
		{proxies.Request{Host: "a.i2p", User: "alice"}, "i2p default"}, // "*" with an outproxy is for the clearnet
		{proxies.Request{Host: "clear.example", User: "bob"}, "block not an .i2p name default"},
		{proxies.Request{Host: "9.9.9.9"}, "outproxy exit net"},
		{proxies.Request{Host: "[::ffff:9.9.9.9]"}, "outproxy exit net"},
		{proxies.Request{Host: "8.8.8.8"}, "outproxy exit net"},
		{proxies.Request{Host: "8.8.8.9"}, "block IPv4 address default"},
		{proxies.Request{Host: "2a00:1::1"}, "outproxy exit net"},
		{proxies.Request{Host: "2a01::1"}, "block IPv6 address default"},
		{proxies.Request{Host: "udp.i2p", Method: "UDP"}, "block rule rule 8"},
		{proxies.Request{Host: "udp.i2p", Method: "GET"}, "i2p default"},
		{proxies.Request{Host: "x.example.org", Method: "UDP"}, "block UDP outside of I2P always"},
		{proxies.Request{Host: "127.0.0.1", User: "alice"}, "block local address always"},
		{proxies.Request{Host: "[::ffff:10.0.0.1]", User: "alice"}, "block local address always"},
		{proxies.Request{Host: "printer.local", User: "alice"}, "block private name always"},
		{proxies.Request{Host: "router", User: "alice"}, "block private name always"},
		{proxies.Request{Host: "x.onion", User: "alice"}, "block name of another network always"},
	} {
		if tt.r.Port == 0 {
			tt.r.Port = 80
		}
		if got := verdict(p.Decide(tt.r)); got != tt.want {
			t.Errorf("%.80v: %s, want %s", tt.r, got, tt.want)
		}
	}
	if d := p.Decide(proxies.Request{Host: "games.i2p", Port: 1}); d.Tunnels != (proxies.Shape{Length: 1, Quantity: 5}) {
		t.Errorf("%+v", d.Tunnels)
	}
	if d := p.Decide(proxies.Request{Host: "zero.i2p", Port: 1}); d.Tunnels.Length != -1 {
		t.Errorf("%+v", d.Tunnels)
	}
}

func TestRuleErrorsNameNumberKeyAndRemedy(t *testing.T) {
	for _, tt := range []struct {
		rule proxies.Rule
		want string
	}{
		{proxies.Rule{}, `rule 2: action: is missing; write i2p, outproxy or block`},
		{proxies.Rule{Name: "x", Action: "allow"}, `rule 2 (x): action: "allow" is none of i2p, outproxy and block`},
		{proxies.Rule{Action: proxies.ToOutproxy}, `rule 2: via: is missing; name a tunnel of type outproxy-client`},
		{proxies.Rule{Action: proxies.Block, Via: "x"}, `rule 2: via: goes with action = "outproxy" only`},
		{proxies.Rule{Name: "first", Action: proxies.Block}, `rule 2 (first): name: rule 1 has the same; choose another`},
		{proxies.Rule{Name: "default", Action: proxies.Block}, `name: "default" has a meaning of its own`},
		{proxies.Rule{Name: "a\nb", Action: proxies.Block}, `name: want at most 64 printable`},
		{proxies.Rule{Name: strings.Repeat("x", 65), Action: proxies.Block}, `name: want at most 64 printable`},
		{proxies.Rule{Action: proxies.Block, Ports: []string{"http"}}, `ports: "http" is neither a port nor a range; write 80 or 8000-8999`},
		{proxies.Rule{Action: proxies.Block, Ports: []string{"90-80"}}, `ports: "90-80"`},
		{proxies.Rule{Action: proxies.Block, Ports: []string{"0"}}, `ports: "0"`},
		{proxies.Rule{Action: proxies.Block, Ports: []string{""}}, `ports: ""`},
		{proxies.Rule{Action: proxies.Block, Ports: []string{"1-65536"}}, `ports: "1-65536"`},
		{proxies.Rule{Action: proxies.Block, Methods: []string{"GET POST"}}, `methods: "GET POST" is no method`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Methods: []string{"udp"}}, `methods: UDP leaves I2P through no outproxy`},
		{proxies.Rule{Action: proxies.ToI2P, Length: 8}, `length: 8 hops; write 1 to 7, or -1 for none`},
		{proxies.Rule{Action: proxies.ToI2P, Length: -2}, `length: -2 hops`},
		{proxies.Rule{Action: proxies.ToI2P, Quantity: 17}, `quantity: 17 tunnels; write 1 to 16`},
		{proxies.Rule{Action: proxies.Block, Length: 1}, `length: what is blocked needs no tunnels`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"a.example", "b.i2p"}}, `match: "b.i2p" is in I2P and never goes to an outproxy`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"*.i2p"}}, `match: "*.i2p" is in I2P and never goes`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"*.a.I2P"}}, `is in I2P and never goes`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{destination}}, `is in I2P and never goes`},
		{proxies.Rule{Action: proxies.ToI2P, Match: []string{"a.example"}}, `match: "a.example" is not in I2P; write action = "outproxy" with via`},
		{proxies.Rule{Action: proxies.ToI2P, Match: []string{"*.example"}}, `is not in I2P`},
		{proxies.Rule{Action: proxies.ToI2P, Match: []string{"9.9.9.9"}}, `is not in I2P`},
		{proxies.Rule{Action: proxies.ToI2P, Match: []string{"9.0.0.0/8"}}, `is not in I2P`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"127.0.0.1"}}, `match: "127.0.0.1": local address: no rule can allow that`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"localhost"}}, `no rule can allow that`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"*.local"}}, `private name: no rule can allow that`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"*.onion"}}, `name of another network: no rule can allow that`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"intranet"}}, `private name`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"10.1.0.0/16"}}, `are local addresses: no rule can allow them`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"fe80::/10"}}, `are local addresses`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"2002::/17"}}, `are local addresses`},
		{proxies.Rule{Action: proxies.ToOutproxy, Via: "x", Match: []string{"9.9.9.9/8"}}, `has bits behind its length; write 9.0.0.0/8`},
		{proxies.Rule{Action: proxies.Block, Match: []string{"::ffff:9.0.0.0/104"}}, `write it as a CIDR of IPv4`},
		{proxies.Rule{Action: proxies.Block, Match: []string{"a.example/x"}}, `is no CIDR`},
		{proxies.Rule{Action: proxies.Block, Match: []string{"http://a.example/"}}, `leave out scheme, port and path`},
		{proxies.Rule{Action: proxies.Block, Match: []string{"a.*.example"}}, `is no pattern`},
		{proxies.Rule{Action: proxies.Block, Match: []string{"*.*.example"}}, `with one * in front`},
		{proxies.Rule{Action: proxies.Block, Match: []string{"*."}}, `is no pattern`},
		{proxies.Rule{Action: proxies.Block, Match: []string{"a.example:80"}}, `is no pattern`},
		{proxies.Rule{Action: proxies.Block, Match: []string{""}}, `is no pattern`},
		{proxies.Rule{Action: proxies.Block, Match: make([]string, 10001)}, `10001 patterns are more than 10000; split the rule`},
	} {
		_, err := proxies.NewRules([]proxies.Rule{{Name: "first", Action: proxies.Block}, tt.rule})
		var one *proxies.RuleError
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &one) || one.Number != 2 {
			t.Errorf("got %v\nwant %s", err, tt.want)
		}
	}
	_, err := proxies.NewRules([]proxies.Rule{{}, {Action: "x", Ports: []string{"x"}}})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want all mistakes, got %v", err)
	}
	if _, err := proxies.NewRules(make([]proxies.Rule, 10001)); err == nil {
		t.Error("too many rules")
	}
	rules(t, proxies.Rule{Match: []string{"localhost", "10.0.0.0/8", "*.onion", "127.0.0.1"}, Action: proxies.Block}) // needless, not wrong
}

func TestRulesChangeWhileRequestsCome(t *testing.T) {
	a := rules(t, proxies.Rule{Name: "a", Action: proxies.ToOutproxy, Via: "a"})
	b := rules(t, proxies.Rule{Name: "x", Match: []string{"x.i2p"}, Action: proxies.Block}, proxies.Rule{Name: "b", Action: proxies.ToOutproxy, Via: "b"})
	p := proxies.NewPolicy(a)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				d := p.Decide(proxies.Request{Listener: "http", Host: "clear.example", Port: 80})
				if d.Via != d.Rule || d.Via != "a" && d.Via != "b" {
					t.Errorf("%+v", d)
					return
				}
			}
		})
	}
	for i := range 2000 {
		p.SetRules([]*proxies.Rules{a, b}[i%2])
	}
	wg.Wait()
	var n uint64
	for _, e := range p.Audit().Entries {
		n += e.Count
	}
	if n != 8000 || p.Audit().Allowed != 8000 {
		t.Errorf("%d counted", n)
	}
	p.SetRules(nil)
	if got := verdict(p.Decide(proxies.Request{Host: "clear.example", Port: 80})); got != "block not an .i2p name default" {
		t.Error(got)
	}
}

// The tables of a Rules have to give what trying one rule after the other gives, which is how Explain finds its steps.
func TestTablesAgreeWithTryingOneByOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	hosts := []string{
		"a.i2p", "b.a.i2p", "c.i2p", destination, "a.example", "b.a.example", "c.b.a.example", "a.org", "9.9.9.9", "9.9.1.1", "8.8.8.8",
		"2a00::1", "2a00:1::1", "2b00::1",
	}
	forAction := map[proxies.Action][]string{
		proxies.ToI2P:      {"*", "a.i2p", "*.a.i2p", "*.i2p", destination},
		proxies.ToOutproxy: {"*", "a.example", "*.a.example", "*.example", "*.org", "9.9.9.9", "9.9.0.0/16", "0.0.0.0/0", "2a00::/16", "::/0", "2a00:1::/32"},
	}
	forAction[proxies.Block] = append(forAction[proxies.ToI2P], forAction[proxies.ToOutproxy]...)
	for round := range 300 {
		var list []proxies.Rule
		for range 1 + random.IntN(12) {
			r := proxies.Rule{Action: proxies.Action(pick("i2p", "outproxy", "block")), Listener: pick("", "", "l"), User: pick("", "", "u")}
			if r.Action == proxies.ToOutproxy {
				r.Via = "x"
			}
			for range random.IntN(4) {
				r.Match = append(r.Match, pick(forAction[r.Action]...))
			}
			if random.IntN(3) == 0 {
				r.Ports = []string{pick("80", "1-100", "443")}
			}
			list = append(list, r)
		}
		p := proxies.NewPolicy(rules(t, list...))
		for _, host := range hosts {
			port, listener, user := []int{80, 443}[random.IntN(2)], pick("l", "m"), pick("", "u")
			e, err := p.Explain(fmt.Sprintf("http://%s:%d/", bracketed(host), port), listener, user, "")
			if err != nil {
				t.Fatal(err)
			}
			last := "default"
			if n := len(e.Steps); n > 0 && e.Steps[n-1].Matched {
				last = e.Steps[n-1].Name
			} else if n != len(list) {
				t.Errorf("round %d: %d steps of %d", round, n, len(list))
			}
			d := p.Decide(proxies.Request{Host: host, Port: port, Listener: listener, User: user, Method: "GET"})
			if d.Rule != last || d.Rule != e.Rule || d.Action != e.Action {
				t.Fatalf("round %d, %s:%d, %s, %s: decided by %s, steps say %s\n%+v", round, host, port, listener, user, d.Rule, last, list)
			}
			isI2P := strings.HasSuffix(host, ".i2p") || host == destination
			if d.Action == proxies.ToI2P && !isI2P || d.Action == proxies.ToOutproxy && isI2P {
				t.Fatalf("%s goes to %s", host, d.Action)
			}
		}
	}
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

func FuzzRules(f *testing.F) {
	for _, s := range []string{"*", "*.i2p", "a.example", "9.9.9.9", "9.9.0.0/16", "::/0", "*.", "a/b", "x.onion", destination, "[::1]"} {
		f.Add(s, "b."+s, "80-90")
	}
	f.Fuzz(func(t *testing.T, pattern, host, ports string) {
		for _, action := range []proxies.Action{proxies.ToI2P, proxies.ToOutproxy, proxies.Block} {
			rule := proxies.Rule{Match: []string{pattern}, Action: action}
			if ports != "" {
				rule.Ports = []string{ports}
			}
			if action == proxies.ToOutproxy {
				rule.Via = "x"
			}
			r, err := proxies.NewRules([]proxies.Rule{rule})
			if err != nil {
				continue
			}
			for _, h := range []string{host, pattern} {
				d := proxies.NewPolicy(r).Decide(proxies.Request{Host: h, Port: 80, Method: "GET"})
				_, network, err := proxies.ParseAnyHost(h)
				if (err != nil) != (d.Rule == "always") && h != proxies.SelfHost && !strings.EqualFold(h, proxies.SelfHost) {
					t.Fatalf("%q: %+v, %v", h, d, err)
				}
				if err == nil && (d.Action == proxies.ToI2P && network != proxies.I2P || d.Action == proxies.ToOutproxy && network != proxies.Clearnet) {
					t.Fatalf("%q, %q: %+v", pattern, h, d)
				}
				if d.Err == nil && err != nil {
					t.Fatalf("%q is let through", h)
				}
			}
		}
	})
}

// thousand is 1,000 rules, of which the last decides.
func thousand(t testing.TB) *proxies.Policy {
	var list []proxies.Rule
	for i := range 999 {
		r := proxies.Rule{Match: []string{fmt.Sprintf("site%d.example", i)}, Action: proxies.Block}
		switch i % 4 {
		case 1:
			r.Match = []string{fmt.Sprintf("*.zone%d.example", i)}
		case 2:
			r.Match = []string{fmt.Sprintf("9.%d.%d.0/24", i/256, i%256)}
		case 3:
			r.Match, r.User = nil, fmt.Sprint("user", i)
		}
		list = append(list, r)
	}
	return proxies.NewPolicy(rules(t, append(list, proxies.Rule{Name: "last", Action: proxies.ToOutproxy, Via: "exit"})...))
}

func BenchmarkDecide(b *testing.B) {
	for _, bb := range []struct {
		name, host string
		policy     *proxies.Policy
	}{
		{"I2P without rules", "example.i2p", proxies.NewPolicy(nil)},
		{"clearnet without rules", "www.example.org", proxies.NewPolicy(nil)},
		{"I2P with 1000 rules", "example.i2p", thousand(b)},
		{"clearnet with 1000 rules", "www.a.example.org", thousand(b)},
		{"address with 1000 rules", "8.8.8.8", thousand(b)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			r := proxies.Request{Listener: "http", User: "alice", Host: bb.host, Port: 80, Method: "GET"}
			for b.Loop() {
				bb.policy.Decide(r)
			}
		})
	}
}

func TestDecideAllocatesNothingForI2P(t *testing.T) {
	p := thousand(t)
	r := proxies.Request{Listener: "http", Host: "www.example.i2p", Port: 80, Method: "GET"}
	if n := testing.AllocsPerRun(100, func() { p.Decide(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
