package ircd

import (
	"strings"
	"time"
)

type command struct {
	params int // at least
	run    func(*Server, *client, message)
}

// commands are those of registered clients.
var commands map[string]command

func init() {
	commands = map[string]command{
		"JOIN":     {1, (*Server).join},
		"PART":     {1, (*Server).part},
		"TOPIC":    {1, (*Server).topic},
		"KICK":     {2, (*Server).kick},
		"INVITE":   {2, (*Server).invite},
		"NAMES":    {0, (*Server).names},
		"LIST":     {0, (*Server).list},
		"PRIVMSG":  {2, (*Server).message},
		"NOTICE":   {2, (*Server).message},
		"AWAY":     {0, (*Server).setAway},
		"WHO":      {0, (*Server).who},
		"WHOIS":    {1, (*Server).whois},
		"MODE":     {1, (*Server).mode},
		"USERHOST": {1, (*Server).userhost},
		"ISON":     {1, (*Server).ison},
		"LUSERS":   {0, func(s *Server, c *client, _ message) { s.lusers(c) }},
		"MOTD":     {0, func(s *Server, c *client, _ message) { s.motd(c) }},
		"VERSION":  {0, func(s *Server, c *client, _ message) { c.numeric(351, "clove %s :small", s.cfg.Name) }},
		"TIME":     {0, func(s *Server, c *client, _ message) { c.numeric(391, "%s :%s", s.cfg.Name, time.Now().UTC()) }},
	}
}

// message is PRIVMSG and NOTICE; only the first is answered.
func (s *Server) message(c *client, m message) {
	for target := range strings.SplitSeq(m.params[0], ",") {
		const line = ":%s %s %s :%s"
		said := text(m.params[1])
		if ch := s.channels[fold(target)]; ch != nil {
			if _, in := ch.members[c]; in {
				ch.all(c, line, c.mask(), m.command, ch.name, said)
				continue
			}
		} else if peer := s.nicks[fold(target)]; peer != nil && peer.registered {
			peer.send(line, c.mask(), m.command, peer.nick, said)
			if peer.away != "" && m.command == "PRIVMSG" {
				c.numeric(301, "%s :%s", peer.nick, peer.away)
			}
			continue
		}
		if m.command == "PRIVMSG" {
			c.numeric(401, "%s :No such nick or channel", target)
		}
	}
}

func (s *Server) setAway(c *client, m message) {
	if c.away = text(m.param(0)); c.away == "" {
		c.numeric(305, ":You are no longer marked as being away")
		return
	}
	c.numeric(306, ":You have been marked as being away")
}

func (s *Server) who(c *client, m message) {
	line := func(where string, peer *client) {
		c.numeric(352, "%s %s %s %s %s H :0 %s", where, peer.user, peer.host, s.cfg.Name, peer.nick, peer.real)
	}
	if ch := s.channels[fold(m.param(0))]; ch != nil {
		for peer := range ch.members {
			line(ch.name, peer)
		}
	} else if peer := s.nicks[fold(m.param(0))]; peer != nil && peer.registered {
		line("*", peer)
	}
	c.numeric(315, "%s :End of WHO", orStar(m.param(0)))
}

func (s *Server) whois(c *client, m message) {
	nick := m.params[len(m.params)-1]
	peer := s.nicks[fold(nick)]
	if peer == nil || !peer.registered {
		c.numeric(401, "%s :No such nick", nick)
	} else {
		c.numeric(311, "%s %s %s * :%s", peer.nick, peer.user, peer.host, peer.real)
		c.numeric(312, "%s %s :clove", peer.nick, s.cfg.Name)
		c.numeric(317, "%s 0 %d :seconds idle, signon time", peer.nick, peer.since.Unix())
	}
	c.numeric(318, "%s :End of WHOIS", nick)
}

// mode answers what clients ask when they join; there are no modes to set.
func (s *Server) mode(c *client, m message) {
	switch ch := s.channels[fold(m.params[0])]; {
	case ch == nil && fold(m.params[0]) == fold(c.nick):
		c.numeric(221, "+")
	case ch == nil:
		c.numeric(403, "%s :No such channel", m.params[0])
	case len(m.params) == 1:
		c.numeric(324, "%s +n", ch.name)
	case strings.Trim(m.params[1], "+b") == "" && len(m.params) == 2:
		c.numeric(368, "%s :End of channel ban list", ch.name)
	default:
		c.numeric(472, "%s :There are no modes here", ch.name)
	}
}

func (s *Server) userhost(c *client, m message) {
	var found []string
	for _, nick := range m.params {
		if peer := s.nicks[fold(nick)]; peer != nil && peer.registered {
			found = append(found, peer.nick+"=+"+peer.user+"@"+peer.host)
		}
	}
	c.numeric(302, ":%s", strings.Join(found, " "))
}

func (s *Server) ison(c *client, m message) {
	var found []string
	for nick := range strings.FieldsSeq(strings.Join(m.params, " ")) {
		if peer := s.nicks[fold(nick)]; peer != nil && peer.registered {
			found = append(found, peer.nick)
		}
	}
	c.numeric(303, ":%s", strings.Join(found, " "))
}

func orStar(name string) string {
	if name == "" {
		return "*"
	}
	return name
}
