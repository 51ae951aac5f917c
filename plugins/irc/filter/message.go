package filter

import (
	"bytes"
	"errors"
	"strings"
)

// What Parse and Reader.Next fail with.
var (
	// ErrMalformed: not an IRC message.
	ErrMalformed = errors.New("not an IRC message")
	// ErrTooLong: longer than the protocol allows.
	ErrTooLong = errors.New("line too long")
)

// Message is one line, without its end:
//
//	['@' tags SPACE] [':' prefix SPACE] command {SPACE param} [SPACE ':' trailing]
//
// Params but the last are not empty, contain no space and do not begin with a colon.
type Message struct {
	Tags     string // key[=value]{;key[=value]}
	Prefix   string
	Command  string // upper-case letters, or three digits
	Params   []string
	Trailing bool // the last of Params is written behind a colon
}

// Parse reads a line of at most 8,191 bytes of tags and 510 bytes of the rest, without CR LF. Errors: ErrMalformed,
// ErrTooLong.
func Parse(line []byte) (Message, error) {
	var m Message
	if bytes.ContainsAny(line, "\x00\r\n") {
		return m, ErrMalformed
	}
	rest := strings.TrimLeft(string(line), " ")
	if strings.HasPrefix(rest, "@") {
		i := strings.IndexByte(rest, ' ')
		if i < 2 {
			return m, ErrMalformed
		}
		if i+1 > maxTags {
			return m, ErrTooLong
		}
		m.Tags, rest = rest[1:i], strings.TrimLeft(rest[i:], " ")
	}
	if len(rest) > maxLine {
		return m, ErrTooLong
	}
	if strings.HasPrefix(rest, ":") {
		i := strings.IndexByte(rest, ' ')
		if i < 2 {
			return m, ErrMalformed
		}
		m.Prefix, rest = rest[1:i], strings.TrimLeft(rest[i:], " ")
	}
	command, rest, _ := strings.Cut(rest, " ")
	if m.Command = strings.ToUpper(command); !validCommand(m.Command) {
		return m, ErrMalformed
	}
	m.params(strings.TrimLeft(rest, " "))
	return m, nil
}

// params takes what is behind the command. The 15th parameter is all that is left.
func (m *Message) params(rest string) {
	for rest != "" {
		if rest[0] == ':' || len(m.Params) == maxParams-1 {
			m.Params, m.Trailing = append(m.Params, strings.TrimPrefix(rest, ":")), true
			return
		}
		var p string
		p, rest, _ = strings.Cut(rest, " ")
		m.Params, rest = append(m.Params, p), strings.TrimLeft(rest, " ")
	}
}

func validCommand(c string) bool {
	digits, letters := 0, 0
	for i := range len(c) {
		switch {
		case '0' <= c[i] && c[i] <= '9':
			digits++
		case 'A' <= c[i] && c[i] <= 'Z':
			letters++
		default:
			return false
		}
	}
	return digits == 3 && letters == 0 || letters > 0 && digits == 0
}

// numeric tells a reply of a server from a command.
func (m Message) numeric() bool { return m.Command[0] <= '9' }

// Append writes the line without CR LF.
func (m Message) Append(b []byte) []byte {
	if m.Tags != "" {
		b = append(append(append(b, '@'), m.Tags...), ' ')
	}
	if m.Prefix != "" {
		b = append(append(append(b, ':'), m.Prefix...), ' ')
	}
	b = append(b, m.Command...)
	for i, p := range m.Params {
		b = append(b, ' ')
		if i == len(m.Params)-1 && m.Trailing {
			b = append(b, ':')
		}
		b = append(b, p...)
	}
	return b
}

// nick is the part of the prefix before '!', folded.
func (m Message) nick() string {
	nick, _, _ := strings.Cut(m.Prefix, "!")
	return fold(nick)
}

// fold is how nicks are compared here: ASCII is a part of every CASEMAPPING.
func fold(nick string) string { return strings.ToLower(nick) }

// param is the i-th parameter, or "".
func (m Message) param(i int) string {
	if i >= len(m.Params) {
		return ""
	}
	return m.Params[i]
}

// with returns the message with other parameters, the last behind a colon.
func (m Message) with(params ...string) Message {
	m.Params, m.Trailing = params, true
	return m
}
