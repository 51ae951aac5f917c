package ircd

import (
	"strings"
)

// anytime are the commands of those who are not registered yet, too.
var anytime map[string]func(*Server, *client, message)

func init() {
	anytime = map[string]func(*Server, *client, message){
		"CAP":  (*Server).capability,
		"NICK": (*Server).nick,
		"USER": (*Server).user,
		"PASS": func(*Server, *client, message) {},
		"PONG": func(*Server, *client, message) {},
		"PING": func(s *Server, c *client, m message) { c.send(":%s PONG %s :%s", s.cfg.Name, s.cfg.Name, m.param(0)) },
		"":     func(*Server, *client, message) {},
	}
}

// capabilities are offered so that negotiation can be seen; this server has nothing more to them.
var capabilities = []string{"multi-prefix", "message-tags", "sts=port=6697", "userhost-in-names"}

func (s *Server) capability(c *client, m message) {
	nick := c.nick
	if nick == "" {
		nick = "*"
	}
	switch strings.ToUpper(m.param(0)) {
	case "LS":
		c.negotiating = !c.registered
		c.send(":%s CAP %s LS :%s", s.cfg.Name, nick, strings.Join(capabilities, " "))
	case "LIST":
		c.send(":%s CAP %s LIST :", s.cfg.Name, nick)
	case "REQ":
		c.negotiating = !c.registered
		answer := "ACK"
		for name := range strings.FieldsSeq(m.param(1)) {
			if name != "multi-prefix" && name != "message-tags" && name != "userhost-in-names" {
				answer = "NAK"
			}
		}
		c.send(":%s CAP %s %s :%s", s.cfg.Name, nick, answer, m.param(1))
	case "END":
		c.negotiating = false
		s.welcome(c)
	}
}

func (s *Server) nick(c *client, m message) {
	nick := m.param(0)
	if !validNick(nick) {
		c.numeric(432, "%s :Erroneous nickname", strings.ReplaceAll(nick, " ", "_"))
		return
	}
	if other := s.nicks[fold(nick)]; other != nil && other != c {
		c.numeric(433, "%s :Nickname is already in use", nick)
		return
	}
	delete(s.nicks, fold(c.nick))
	s.nicks[fold(nick)] = c
	if c.registered {
		for peer := range s.audience(c) {
			peer.send(":%s NICK :%s", c.mask(), nick)
		}
		c.send(":%s NICK :%s", c.mask(), nick)
	}
	c.nick = nick
	s.welcome(c)
}

func (s *Server) user(c *client, m message) {
	switch {
	case c.registered:
		c.numeric(462, ":You may not reregister")
	case len(m.params) < 4:
		c.numeric(461, "USER :Not enough parameters")
	default:
		c.user, c.real = "~"+strings.Map(plain, m.params[0]), m.params[3]
		s.welcome(c)
	}
}

func plain(r rune) rune {
	if r <= ' ' || r == '@' || r == '!' || r > '~' {
		return -1
	}
	return r
}

// welcome registers a client that has said all that is needed.
func (s *Server) welcome(c *client) {
	if c.registered || c.negotiating || c.nick == "" || c.user == "" {
		return
	}
	c.registered = true
	c.numeric(1, ":Welcome, %s", c.mask())
	c.numeric(2, ":Your host is %s", s.cfg.Name)
	c.numeric(3, ":This server keeps nothing")
	c.numeric(4, "%s clove o nt", s.cfg.Name)
	c.numeric(5, "CASEMAPPING=ascii CHANTYPES=# NICKLEN=%d CHANLIMIT=#:%d PREFIX=(o)@ :are supported", maxNick, maxChannels)
	s.lusers(c)
	s.motd(c)
}

func (s *Server) lusers(c *client) {
	c.numeric(251, ":There are %d users on 1 server", len(s.clients))
	c.numeric(254, "%d :channels formed", len(s.channels))
}

func (s *Server) motd(c *client) {
	if len(s.cfg.MOTD) == 0 {
		c.numeric(422, ":There is no message of the day")
		return
	}
	c.numeric(375, ":- %s message of the day", s.cfg.Name)
	for _, line := range s.cfg.MOTD {
		c.numeric(372, ":- %s", line)
	}
	c.numeric(376, ":End of MOTD")
}

// text is what a user may write, cut to what fits in a line.
func text(t string) string {
	if len(t) > maxText {
		t = t[:maxText]
	}
	return t
}
