package filter

import (
	"context"
	"strings"
)

// delimiter is around a CTCP message.
const delimiter = "\x01"

func hasCTCP(m Message) bool {
	for _, p := range m.Params {
		if strings.Contains(p, delimiter) {
			return true
		}
	}
	return strings.Contains(m.Prefix, delimiter) || strings.Contains(m.Tags, delimiter)
}

// ctcp decides about a line with a delimiter anywhere. What passes is the text of a PRIVMSG or NOTICE that is one CTCP message
// from the first byte to the last: ACTION, and with DCC on DCC and XDCC.
func (s *Session) ctcp(ctx context.Context, d Direction, m Message) Verdict {
	if m.Command != "PRIVMSG" && m.Command != "NOTICE" || len(m.Params) != 2 ||
		strings.Contains(m.Prefix+m.Tags+m.Params[0], delimiter) {
		return s.drop(d, CTCP)
	}
	body, opened := strings.CutPrefix(m.Params[1], delimiter)
	body, closed := strings.CutSuffix(body, delimiter)
	if !opened || !closed || strings.Contains(body, delimiter) {
		return s.drop(d, CTCP)
	}
	verb, args, _ := strings.Cut(body, " ")
	switch strings.ToUpper(verb) {
	case "ACTION":
		return pass(m.with(m.Params[0], ctcpText("ACTION", args)))
	case "DCC":
		return s.dcc(ctx, d, m, args)
	case "XDCC":
		if s.cfg.DCC != nil {
			return pass(m.with(m.Params[0], ctcpText("XDCC", args)))
		}
		return s.drop(d, DCC)
	}
	return s.drop(d, CTCP)
}

func ctcpText(verb, args string) string { return delimiter + verb + " " + args + delimiter }

// notice is a NOTICE of the client without CTCP. mIRC announces what it offers by one with its address.
func (s *Session) notice(m Message) Verdict {
	if strings.HasPrefix(strings.ToUpper(strings.TrimLeft(m.param(1), " ")), "DCC ") {
		return s.drop(Outbound, DCC)
	}
	return pass(m)
}
