package filter

import (
	"slices"
	"strings"
)

// capabilities may be negotiated: each changes only what the server tells about others. Not here: sts (would send the client
// to a port for TLS), tls (STARTTLS), message-tags and what needs it (typing notices, reactions), echo-message and batch (lines
// of other forms than the filter knows).
var capabilities = set(`
	account-notify account-tag away-notify cap-notify chghost extended-join invite-notify multi-prefix sasl server-time setname
	userhost-in-names`)

// allowedCap takes one name as it stands in a list: with "-" where it is taken back, "~" or "=" in older servers, and a value.
func allowedCap(entry string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(entry, "-~="), "=")
	return capabilities[name]
}

// capOut is CAP LS [302], LIST, REQ :names or END of the client. A request for more than is allowed is refused as a whole, as
// by a server that does not know the name.
func (s *Session) capOut(m Message) Verdict {
	sub := strings.ToUpper(m.param(0))
	switch {
	case sub == "LS" && m.param(1) == "302":
		return pass(Message{Command: "CAP", Params: []string{sub, "302"}})
	case sub == "LS", sub == "LIST", sub == "END":
		return pass(Message{Command: "CAP", Params: []string{sub}})
	case sub != "REQ":
		return s.drop(Outbound, Capability)
	}
	names := strings.Fields(strings.Join(m.Params[1:], " "))
	if slices.ContainsFunc(names, func(n string) bool { return !allowedCap(n) || strings.Contains(n, "=") }) {
		return s.reply(Capability, "CAP", "*", "NAK", strings.Join(names, " "))
	}
	return pass(m.with(sub, strings.Join(names, " ")))
}

// capIn is CAP nick LS|LIST|ACK|NAK|NEW|DEL [*] :names of the server. The star says that more lines follow; such a list is
// passed even if nothing is left of it, since the client waits for its end.
func (s *Session) capIn(m Message) Verdict {
	if len(m.Params) < 3 || !middle(m.Params[0]) {
		return s.drop(Inbound, Malformed)
	}
	sub, last := strings.ToUpper(m.Params[1]), m.Params[len(m.Params)-1]
	params := []string{m.Params[0], sub}
	switch sub {
	case "LS", "LIST":
		if len(m.Params) > 3 && m.Params[2] == "*" {
			params = append(params, "*")
		}
	case "ACK", "NAK", "NEW", "DEL":
	default:
		return s.drop(Inbound, Capability)
	}
	all := strings.Fields(last)
	kept := slices.DeleteFunc(slices.Clone(all), func(n string) bool { return !allowedCap(n) })
	if len(kept) < len(all) {
		s.cfg.Count(Inbound, Capability)
	}
	if len(kept) == 0 && sub != "LS" && sub != "LIST" {
		return Verdict{}
	}
	return pass(m.with(append(params, strings.Join(kept, " "))...))
}
