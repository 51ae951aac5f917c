package filter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Config is what New takes.
type Config struct {
	// Name is what answers of the filter come from, a word.
	Name string
	// User and RealName replace those of the client where they are not empty.
	User, RealName string
	// DCC makes direct connections; nil: they are refused.
	DCC DCCPorts
	// Count is called for every line that was not just passed, by both directions at the same time; nil: nobody counts.
	Count func(Direction, Kind)
}

// Session filters one connection.
type Session struct {
	cfg Config

	mu     sync.Mutex
	asked  []Message // PINGs of the client as the client sent them, not answered yet, the oldest first
	asking []string  // tokens of PINGs of the server, likewise
}

// New starts a session.
func New(cfg Config) *Session {
	if cfg.Count == nil {
		cfg.Count = func(Direction, Kind) {}
	}
	if cfg.Name = strings.Map(wordRune, cfg.Name); cfg.Name == "" {
		cfg.Name = "clove"
	}
	cfg.Name = cfg.Name[:min(len(cfg.Name), maxName)]
	return &Session{cfg: cfg}
}

func wordRune(r rune) rune {
	if r <= ' ' || r > '~' || r == ':' || r == '!' || r == '@' {
		return -1
	}
	return r
}

// Verdict is what becomes of a line: what goes on, and what goes back to where it came from; each whole lines with CR LF, or
// nothing.
type Verdict struct {
	Forward, Reply []byte
}

const lineEnd = "\r\n"

func pass(m Message) Verdict { return Verdict{Forward: append(m.Append(nil), lineEnd...)} }

// drop counts a line that goes nowhere.
func (s *Session) drop(d Direction, k Kind) Verdict {
	s.cfg.Count(d, k)
	return Verdict{}
}

// reply is drop with an answer in the server's name.
func (s *Session) reply(k Kind, command string, params ...string) Verdict {
	s.cfg.Count(Outbound, k)
	return Verdict{Reply: s.Line(command, params...)}
}

// Line is what the filter itself says to the client in the server's name, which ERROR does without; the last parameter is cut
// to what fits.
func (s *Session) Line(command string, params ...string) []byte {
	m := Message{Command: command}
	if command != "ERROR" {
		m.Prefix = s.cfg.Name
	}
	b := m.with(params...).Append(nil)
	return append(b[:min(len(b), maxLine)], lineEnd...)
}

// tell says something to the user.
func (s *Session) tell(format string, args ...any) []byte {
	return s.Line("NOTICE", "*", fmt.Sprintf(format, args...))
}

// Outbound filters a line of the client, without its end. ctx is for what DCC opens.
func (s *Session) Outbound(ctx context.Context, line []byte) Verdict {
	m, err := Parse(line)
	switch {
	case errors.Is(err, ErrTooLong):
		return s.TooLong(Outbound)
	case err != nil, m.Prefix != "":
		return s.drop(Outbound, Malformed)
	}
	if m.Tags != "" {
		s.cfg.Count(Outbound, Tags)
		m.Tags = ""
	}
	return s.fits(Outbound, s.outbound(ctx, m))
}

func (s *Session) outbound(ctx context.Context, m Message) Verdict {
	if hasCTCP(m) {
		return s.ctcp(ctx, Outbound, m)
	}
	switch m.Command {
	case "PRIVMSG":
		return pass(m)
	case "NOTICE":
		return s.notice(m)
	case "USER":
		return s.user(m)
	case "PART", "QUIT":
		return s.leaving(m)
	case "PING":
		return s.ping(m)
	case "PONG":
		return s.pong(m)
	case "CAP":
		return s.capOut(m)
	case "STARTTLS":
		return s.reply(StartTLS, "691", "*", "no STARTTLS here: I2P encrypts already")
	}
	if outboundCommands[m.Command] {
		return pass(m)
	}
	return s.drop(Outbound, Command)
}

// Inbound filters a line of the server, without its end.
func (s *Session) Inbound(ctx context.Context, line []byte) Verdict {
	m, err := Parse(line)
	switch {
	case errors.Is(err, ErrTooLong):
		return s.TooLong(Inbound)
	case err != nil:
		return s.drop(Inbound, Malformed)
	}
	if kept := keepTags(m.Tags); kept != m.Tags {
		s.cfg.Count(Inbound, Tags)
		m.Tags = kept
	}
	return s.fits(Inbound, s.inbound(ctx, m))
}

func (s *Session) inbound(ctx context.Context, m Message) Verdict {
	switch {
	case hasCTCP(m):
		return s.ctcp(ctx, Inbound, m)
	case m.Command == "010":
		return s.drop(Inbound, Redirect)
	case m.numeric():
		return pass(m)
	case m.Command == "PING":
		return s.pinged(m)
	case m.Command == "PONG":
		return s.ponged(m)
	case m.Command == "CAP":
		return s.capIn(m)
	case inboundCommands[m.Command]:
		return pass(m)
	}
	return s.drop(Inbound, Command)
}

// TooLong is for a line that the Reader did not give.
func (s *Session) TooLong(d Direction) Verdict {
	if d == Outbound {
		return s.reply(TooLong, "417", "*", "Input line was too long")
	}
	return s.drop(d, TooLong)
}

// fits holds what was written anew to the limits, too: addresses of I2P are longer than those that they replace.
func (s *Session) fits(d Direction, v Verdict) Verdict {
	rest := v.Forward
	if len(rest) > 0 && rest[0] == '@' {
		rest = rest[bytes.IndexByte(rest, ' ')+1:]
	}
	if len(rest) > maxLine+len(lineEnd) {
		return s.TooLong(d)
	}
	return v
}
