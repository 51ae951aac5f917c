package ircd

import (
	"slices"
	"strings"
)

type channel struct {
	name, topic string
	members     map[*client]bool // true: an operator
}

// all sends a line to every member but one.
func (ch *channel) all(but *client, format string, args ...any) {
	for member := range ch.members {
		if member != but {
			member.send(format, args...)
		}
	}
}

func (s *Server) join(c *client, m message) {
	for name := range strings.SplitSeq(m.params[0], ",") {
		if !validChannel(name) {
			c.numeric(403, "%s :No such channel", strings.ReplaceAll(name, " ", "_"))
			continue
		}
		ch := s.channels[fold(name)]
		if ch == nil {
			ch = &channel{name: name, members: make(map[*client]bool)}
		}
		if _, in := ch.members[c]; in {
			continue
		}
		if s.joined(c) >= maxChannels {
			c.numeric(405, "%s :You have joined too many channels", name)
			continue
		}
		if len(ch.members) >= maxMembers {
			c.numeric(471, "%s :Channel is full", name)
			continue
		}
		s.channels[fold(name)] = ch
		ch.members[c] = len(ch.members) == 0
		ch.all(nil, ":%s JOIN :%s", c.mask(), ch.name)
		if ch.topic != "" {
			c.numeric(332, "%s :%s", ch.name, ch.topic)
		}
		s.sendNames(c, ch)
	}
}

func (s *Server) joined(c *client) int {
	n := 0
	for _, ch := range s.channels {
		if _, in := ch.members[c]; in {
			n++
		}
	}
	return n
}

// leave takes c out; a channel without members ends.
func (s *Server) leave(c *client, ch *channel) {
	if delete(ch.members, c); len(ch.members) == 0 {
		delete(s.channels, fold(ch.name))
	}
}

// member is the channel, if c is in it; else c is told.
func (s *Server) member(c *client, name string) *channel {
	ch := s.channels[fold(name)]
	if ch == nil {
		c.numeric(403, "%s :No such channel", name)
		return nil
	}
	if _, in := ch.members[c]; !in {
		c.numeric(442, "%s :You're not on that channel", ch.name)
		return nil
	}
	return ch
}

func (s *Server) part(c *client, m message) {
	for name := range strings.SplitSeq(m.params[0], ",") {
		if ch := s.member(c, name); ch != nil {
			ch.all(nil, ":%s PART %s :%s", c.mask(), ch.name, text(m.param(1)))
			s.leave(c, ch)
		}
	}
}

func (s *Server) topic(c *client, m message) {
	ch := s.member(c, m.params[0])
	switch {
	case ch == nil:
	case len(m.params) > 1:
		ch.topic = text(m.params[1])
		ch.all(nil, ":%s TOPIC %s :%s", c.mask(), ch.name, ch.topic)
	case ch.topic == "":
		c.numeric(331, "%s :No topic is set", ch.name)
	default:
		c.numeric(332, "%s :%s", ch.name, ch.topic)
	}
}

func (s *Server) kick(c *client, m message) {
	ch := s.member(c, m.params[0])
	if ch == nil {
		return
	}
	victim := s.nicks[fold(m.params[1])]
	if _, in := ch.members[victim]; !in {
		c.numeric(441, "%s %s :They aren't on that channel", m.params[1], ch.name)
		return
	}
	if !ch.members[c] {
		c.numeric(482, "%s :You're not channel operator", ch.name)
		return
	}
	ch.all(nil, ":%s KICK %s %s :%s", c.mask(), ch.name, victim.nick, text(m.param(2)))
	s.leave(victim, ch)
}

func (s *Server) invite(c *client, m message) {
	ch, guest := s.member(c, m.params[1]), s.nicks[fold(m.params[0])]
	if ch == nil {
		return
	}
	if guest == nil {
		c.numeric(401, "%s :No such nick", m.params[0])
		return
	}
	c.numeric(341, "%s %s", guest.nick, ch.name)
	guest.send(":%s INVITE %s :%s", c.mask(), guest.nick, ch.name)
}

func (s *Server) names(c *client, m message) {
	if ch := s.channels[fold(m.param(0))]; ch != nil {
		s.sendNames(c, ch)
		return
	}
	c.numeric(366, "%s :End of NAMES", orStar(m.param(0)))
}

func (s *Server) sendNames(c *client, ch *channel) {
	var all []string
	for member, op := range ch.members {
		name := member.nick
		if op {
			name = "@" + name
		}
		all = append(all, name)
	}
	slices.Sort(all)
	for part := range slices.Chunk(all, 10) {
		c.numeric(353, "= %s :%s", ch.name, strings.Join(part, " "))
	}
	c.numeric(366, "%s :End of NAMES", ch.name)
}

func (s *Server) list(c *client, _ message) {
	for _, ch := range s.channels {
		c.numeric(322, "%s %d :%s", ch.name, len(ch.members), ch.topic)
	}
	c.numeric(323, ":End of LIST")
}
