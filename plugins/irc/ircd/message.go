package ircd

import "strings"

// message is one line from a client.
type message struct {
	command string // upper case
	params  []string
}

// parse takes a line without its end. A prefix is dropped: a client has none but its own.
func parse(line string) message {
	if strings.HasPrefix(line, "@") {
		_, line, _ = strings.Cut(line, " ")
	}
	if line = strings.TrimLeft(line, " "); strings.HasPrefix(line, ":") {
		_, line, _ = strings.Cut(line, " ")
	}
	var fields []string
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		if len(fields) > 0 && line[0] == ':' {
			fields = append(fields, line[1:])
			break
		}
		var field string
		field, line, _ = strings.Cut(line, " ")
		fields = append(fields, field)
	}
	if len(fields) == 0 {
		return message{}
	}
	return message{command: strings.ToUpper(fields[0]), params: fields[1:]}
}

// param is the i-th parameter, or "".
func (m message) param(i int) string {
	if i >= len(m.params) {
		return ""
	}
	return m.params[i]
}

// fold is how names are compared: CASEMAPPING=ascii.
func fold(name string) string { return strings.ToLower(name) }

func validNick(nick string) bool {
	if nick == "" || len(nick) > maxNick || strings.ContainsAny(nick[:1], "-0123456789") {
		return false
	}
	return !strings.ContainsFunc(nick, func(r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("-_[]{}\\|^`", r):
			return false
		}
		return true
	})
}

func validChannel(name string) bool {
	return len(name) > 1 && len(name) <= 50 && name[0] == '#' && !strings.ContainsAny(name, " ,\x07:")
}
